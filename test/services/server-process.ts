import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const READY_WITHIN_MS = 60_000;
const POLL_MS = 25;

/** Running servers; they are killed when the tests end. */
const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** A server process that can be killed and started again on the same port. */
export class ServerProcess {
  #child: ChildProcess | undefined;
  #output = '';

  constructor(
    private readonly command: string,
    private readonly args: readonly string[],
    readonly port: number,
  ) {}

  /** Resolves when the server accepts connections; otherwise rejects with the server's output. */
  async start(): Promise<void> {
    const child = spawn(this.command, this.args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    running.add(child);
    child.once('exit', () => running.delete(child));
    let failure: Error | undefined;
    child.once('error', (error) => (failure = error));
    for (const stream of [child.stdout, child.stderr]) {
      stream.on(
        'data',
        (chunk) => (this.#output = `${this.#output}${String(chunk)}`.slice(-4_000)),
      );
    }
    const deadline = Date.now() + READY_WITHIN_MS;
    while (!(await accepts(this.port))) {
      if (failure !== undefined || child.exitCode !== null || Date.now() > deadline) {
        child.kill('SIGKILL');
        throw new Error(
          `${this.command} does not listen on port ${this.port}: ${failure?.message ?? this.#output}`,
        );
      }
      await delay(POLL_MS);
    }
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** Ends the server as a crash would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await exited;
    clearTimeout(timer);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
