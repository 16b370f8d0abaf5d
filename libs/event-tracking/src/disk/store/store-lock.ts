import { createHash, randomUUID } from 'node:crypto';
import { chmod, lstat, mkdir, mkdtemp, readdir, realpath, rm, symlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { once } from 'node:events';
import { codeOf } from './private-files.js';

/** Begins the names of the sockets by which processes show that they are alive. */
export const LOCK_PREFIX = 'lock-';
const SOCKET_MODE = 0o600;
const OWNER = 'o';
const CLAIMANT = 'c';
type Role = typeof OWNER | typeof CLAIMANT;

/** A process that accepts a connection and stays silent for longer is frozen, and still the owner. */
const ANSWER_MS = 1_000;
const NEXT_LOOK_MS = 5;
/** The shortest limit of the platforms on a socket's path, without room for a name. */
const LONGEST_DIRECTORY = 100 - LOCK_PREFIX.length - randomUUID().length;
const WITHOUT_SOCKETS = new Set(['EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EPERM', 'EINVAL']);

/**
 * Makes one process the owner of a directory until it dies, however it dies.
 *
 * @remarks
 * Each process that wants the directory listens on a socket of its own in it, and then looks at those of all others: a
 * socket whose process is dead refuses connections. Of two processes that do so at the same time, at least one sees the
 * other; between claimants the smaller name wins. There is no clock, no process id, and a name is never used twice, so
 * removing the socket of a dead process harms nobody.
 */
export class StoreLock {
  #role: Role = CLAIMANT;
  readonly #server: Server;

  private constructor(
    private readonly directory: string,
    private readonly name: string,
  ) {
    this.#server = createServer((socket) => {
      socket.on('error', () => {}).end(this.#role);
    }).unref();
  }

  /** Resolves to nothing where another process has the directory. */
  static async acquire(directory: string): Promise<StoreLock | undefined> {
    if (process.platform === 'win32') return this.#acquirePipe(directory);
    try {
      return await this.#acquireIn(directory);
    } catch (error) {
      if (!WITHOUT_SOCKETS.has(codeOf(error) ?? '')) throw error;
      return this.#acquireIn(await substituteFor(directory));
    }
  }

  async release(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close(); // which removes the socket
    await closed;
    if (process.platform !== 'win32') await rm(join(this.directory, this.name), { force: true });
  }

  static async #acquireIn(directory: string): Promise<StoreLock | undefined> {
    const others = await rolesIn(directory);
    if (others.some(([, role]) => role === OWNER)) return undefined; // without a trace in its directory
    const lock = new StoreLock(directory, `${LOCK_PREFIX}${randomUUID()}`);
    try {
      await withShortPath(directory, (short) => lock.#listen(join(short, lock.name)));
      // Whatever the umask. Where another process has removed the socket already, the next step notices.
      await chmod(join(directory, lock.name), SOCKET_MODE).catch(() => {});
      if (await lock.#becomesOwner()) return lock;
    } catch (error) {
      await lock.release();
      throw error;
    }
    await lock.release();
    return undefined;
  }

  static async #acquirePipe(directory: string): Promise<StoreLock | undefined> {
    const lock = new StoreLock(directory, '');
    try {
      await lock.#listen(`\\\\.\\pipe\\nestjs-event-tracking-${await hashOf(directory)}`);
      return lock;
    } catch (error) {
      if (codeOf(error) === 'EADDRINUSE') return undefined;
      throw error;
    }
  }

  async #listen(path: string): Promise<void> {
    const listening = once(this.#server, 'listening');
    this.#server.listen({ path, exclusive: true }); // not by way of a cluster's primary, which outlives this process
    await listening;
    this.#server.on('error', () => {}); // a connection that could not be accepted
  }

  async #becomesOwner(): Promise<boolean> {
    for (;;) {
      const others = (await rolesIn(this.directory)).filter(([name]) => name !== this.name);
      if (others.some(([name, role]) => role === OWNER || name < this.name)) return false;
      if (others.length === 0) break;
      await new Promise((resolve) => setTimeout(resolve, NEXT_LOOK_MS));
    }
    this.#role = OWNER;
    // Another may have found the socket between its two steps, bound and listening, and removed it.
    return (await lstat(join(this.directory, this.name)).catch(() => undefined)) !== undefined;
  }
}

/** Returns the roles of the living processes of a directory, and removes the sockets of dead ones. */
async function rolesIn(directory: string): Promise<[name: string, role: Role][]> {
  const names = (await readdir(directory)).filter((name) => name.startsWith(LOCK_PREFIX));
  const roles: [string, Role][] = [];
  for (const name of names) {
    const role = await withShortPath(directory, (short) => roleAt(join(short, name)));
    if (role === undefined) await rm(join(directory, name), { force: true });
    else roles.push([name, role]);
  }
  return roles;
}

/** Asks a process for its role; resolves to undefined if it is dead. */
async function roleAt(path: string): Promise<Role | undefined> {
  return new Promise<Role | undefined>((resolve, reject) => {
    const socket = connect(path);
    const timer = setTimeout(() => end(OWNER), ANSWER_MS);
    const end = (role: Role | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(role);
    };
    socket.once('data', (answer) => end(answer.toString() === CLAIMANT ? CLAIMANT : OWNER));
    socket.once('end', () => end(OWNER)); // it may have died: the next look shows it
    socket.once('error', (error) => {
      const code = codeOf(error);
      if (code === 'ECONNREFUSED' || code === 'ENOENT') return end(undefined);
      if (code === 'EAGAIN' || code === 'ECONNRESET' || code === 'EPIPE') return end(OWNER);
      clearTimeout(timer);
      reject(error);
    });
  });
}

/** Runs work with a path to a directory that is short enough for a socket in it. */
async function withShortPath<T>(
  directory: string,
  work: (short: string) => Promise<T>,
): Promise<T> {
  if (Buffer.byteLength(directory) < LONGEST_DIRECTORY) return work(directory);
  const folder = await mkdtemp(join(tmpdir(), 'ev-'));
  try {
    const short = join(folder, 's');
    await symlink(directory, short);
    return await work(short);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Returns where sockets stand for a directory whose file system holds none. */
async function substituteFor(directory: string): Promise<string> {
  const path = join(tmpdir(), `nestjs-event-tracking-${await hashOf(directory)}`);
  await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error;
  });
  return path;
}

async function hashOf(directory: string): Promise<string> {
  const path = await realpath(directory);
  return `${basename(path)}-${createHash('sha256').update(path).digest('hex').slice(0, 16)}`;
}
