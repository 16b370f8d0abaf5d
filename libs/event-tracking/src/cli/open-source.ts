import type { Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { describeError } from '../core/diagnostics/describe.js';
import type { CommandLine } from './command-line.js';
import { connectMongo } from './connect-mongo.js';
import { EventLines } from './event-lines.js';
import type { EventSource } from './event-source.js';
import { loadPeer } from './load-peer.js';
import type { Problems } from './problems.js';
import { UsageError } from './usage-error.js';

const THIS_SOURCE = '--from: this source';

/**
 * Opens the source that `--from` names.
 *
 * @param problems - receives items that cannot be read
 * @throws {@link UsageError} if the source does not exist or is not readable, or its peer dependency
 * is not installed
 */
export async function openSource(options: CommandLine, problems: Problems): Promise<EventSource> {
  const { from } = options;
  if (/^mongodb(\+srv)?:/.test(from)) return openMongo(options);
  if (/^rediss?:/.test(from)) return openRedis(options, problems);
  if (from === '-') return new EventLines(process.stdin, 'the standard input', problems);
  const isDirectory = (await statOf(from)).isDirectory();
  return isDirectory ? openDirectory(from, problems) : EventLines.ofFile(from, problems);
}

async function statOf(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unreadable(path, error);
    throw new UsageError(
      `--from: no directory or file '${path}'. URLs of other sources begin with redis:// or mongodb://.`,
    );
  }
}

/** Opens the dead letters of a queue; accepts the queue's directory and its folder of dead letters. */
async function openDirectory(directory: string, problems: Problems): Promise<EventSource> {
  const { DeadLetterFiles, DEAD_LETTERS } = await import('../disk/dead-letter-files.js');
  if (basename(resolve(directory)) === DEAD_LETTERS)
    return new DeadLetterFiles(directory, problems);
  const names = await readdir(directory).catch((error: unknown) => {
    throw unreadable(directory, error);
  });
  if (!names.some((name) => name === DEAD_LETTERS || STORE.test(name))) {
    throw new UsageError(
      `--from: '${directory}' must be the directory of a DiskEventQueue; it contains neither its stores nor ` +
        `'${DEAD_LETTERS}'. Pass the files of a log one by one, or through the standard input.`,
    );
  }
  return new DeadLetterFiles(join(directory, DEAD_LETTERS), problems);
}

/** The names of a queue's stores. */
const STORE = /^\d+$/;

function unreadable(path: string, error: unknown): UsageError {
  return new UsageError(`--from: '${path}' cannot be read. ${describeError(error)}.`);
}

async function openMongo({ from, collection }: CommandLine): Promise<EventSource> {
  const connection = await connectMongo(from);
  const { MongoDeadLetters } = await import('../mongo/mongo-dead-letters.js');
  return new MongoDeadLetters(connection, collection);
}

async function openRedis(
  { from, queue, prefix }: CommandLine,
  problems: Problems,
): Promise<EventSource> {
  await loadPeer('bullmq', THIS_SOURCE, () => import('bullmq'));
  const [{ DeadLetterQueue }, { readAddress }] = await Promise.all([
    import('../bullmq/dead-letter-queue.js'),
    import('../bullmq/bullmq-event-queue-options.js'),
  ]);
  return new DeadLetterQueue(
    readAddress({
      connection: connectionOf(urlOf(from)),
      ...(queue === undefined ? {} : { name: queue }),
      ...(prefix === undefined ? {} : { prefix }),
    }),
    problems,
  );
}

function urlOf(from: string): URL {
  if (URL.canParse(from)) return new URL(from);
  throw new UsageError(`--from: must be a URL such as redis://localhost:6379; received '${from}'.`);
}

function connectionOf({ hostname, port, username, password, pathname, protocol }: URL): object {
  const database = Number(pathname.slice(1));
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'), // URLs enclose IPv6 addresses in brackets
    port: port === '' ? 6379 : Number(port),
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    ...(database > 0 ? { db: database } : {}),
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
    retryStrategy: () => null, // fail at once, because a person is waiting
  };
}
