import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { EventStats, TrackerStats } from 'nestjs-event-tracking';

/** Where a fleet's servers are. */
export interface FleetServers {
  mongoUri: string;
  redisPort: number;
}

/** What an application of a fleet is to do. */
export interface ApplicationOptions {
  /** By which its events are known. */
  number: number;
  /** How many events it emits, unless it is told to end before. */
  count: number;
  /** How many events may wait in its memory. */
  room: number;
}

/** How a process ended. */
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
}

interface Message {
  account?: TrackerStats;
  stopped?: number;
}

const NOTHING: EventStats = {
  arrived: 0,
  delivered: 0,
  filtered: 0,
  dropped: {},
  dead: 0,
  pending: 0,
  retried: 0,
};

/** Processes that are running; none outlives the tests. */
const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** A process of a fleet, which says what becomes of its events. */
class Member {
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ending>;
  #output = '';
  /** What it said last, at the end of its life if that was peaceful. */
  protected account: TrackerStats | undefined;

  constructor(script: string, options: object) {
    const path = fileURLToPath(new URL(script, import.meta.url));
    const child = spawn(process.execPath, [path, JSON.stringify(options)], {
      env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => (this.#output += chunk));
    }
    child.on('message', ({ account }: Message) => (this.account = account ?? this.account));
    running.add(child);
    child.once('exit', () => running.delete(child));
    this.#child = child;
    this.#ended = once(child, 'close').then(([code, signal]) => ({ code, signal }) as Ending);
  }

  /** What it printed. */
  get output(): string {
    return this.#output;
  }

  terminate(): void {
    this.#child.kill('SIGTERM');
  }

  /** Ends it as a crash would. */
  async kill(): Promise<Ending> {
    this.#child.kill('SIGKILL');
    return this.#ended;
  }

  ended(): Promise<Ending> {
    return this.#ended;
  }

  /** Resolves when something is true after it has spoken; rejects when it ends before. */
  async until(isTrue: () => boolean): Promise<void> {
    await this.#said(() => isTrue() || undefined);
  }

  /** Resolves to how many events it has emitted in all, when it emits no more. */
  protected async stopped(): Promise<number> {
    return this.#said(({ stopped }) => stopped);
  }

  #said<T>(listen: (message: Message) => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const hear = (message: Message): void => {
        const heard = listen(message);
        if (heard === undefined) return;
        this.#child.off('message', hear);
        resolve(heard);
      };
      this.#child.on('message', hear);
      void this.#ended.then(({ code, signal }) =>
        reject(new Error(`It ended too early (${code ?? signal}):\n${this.#output}`)),
      );
    });
  }
}

/** An application that emits. */
export class FleetApplication extends Member {
  constructor(servers: FleetServers, options: ApplicationOptions) {
    super('fleet-application.mjs', { ...servers, ...options });
  }

  get emitted(): number {
    return this.account?.arrived ?? 0;
  }

  /** What became of the events on their way into Redis. */
  get queue(): EventStats {
    return this.account?.backends['node.queue'] ?? NOTHING;
  }

  /** Tells it to end, and resolves when it emits no more: to how many events it has emitted in all. */
  async stop(): Promise<number> {
    const stopped = this.stopped();
    this.terminate();
    return stopped;
  }
}

/** A worker that stores. */
export class FleetWorker extends Member {
  constructor(servers: FleetServers) {
    super('fleet-worker.mjs', servers);
  }

  /** What became of the events that it has taken out of the queue. */
  get store(): EventStats {
    return this.account?.backends['node.mongo'] ?? NOTHING;
  }
}
