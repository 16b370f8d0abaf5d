import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { EventStats, TrackerStats } from 'nestjs-event-tracking';

/** The addresses of a fleet's servers. */
export interface FleetServers {
  mongoUri: string;
  redisPort: number;
}

/** The options of an application of a fleet. */
export interface ApplicationOptions {
  /** The number that identifies the application in its events. */
  number: number;
  /** How many events it emits, unless it is stopped earlier. */
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
  stats?: TrackerStats;
  stopped?: number;
}

const NO_EVENTS: EventStats = {
  arrived: 0,
  delivered: 0,
  filtered: 0,
  dropped: {},
  dead: 0,
  pending: 0,
  retried: 0,
};

/** Running processes; they are killed when the tests end. */
const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** A process of a fleet, which reports its stats. */
class Member {
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ending>;
  #output = '';
  /** The latest reported stats; the final ones if the process closed. */
  protected stats: TrackerStats | undefined;

  constructor(script: string, options: object) {
    const path = fileURLToPath(new URL(script, import.meta.url));
    const child = spawn(process.execPath, [path, JSON.stringify(options)], {
      env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => (this.#output += chunk));
    }
    child.on('message', ({ stats }: Message) => (this.stats = stats ?? this.stats));
    running.add(child);
    child.once('exit', () => running.delete(child));
    this.#child = child;
    this.#ended = once(child, 'close').then(([code, signal]) => ({ code, signal }) as Ending);
  }

  /** The output of the process so far. */
  get output(): string {
    return this.#output;
  }

  terminate(): void {
    this.#child.kill('SIGTERM');
  }

  /** Ends the process as a crash would. */
  async kill(): Promise<Ending> {
    this.#child.kill('SIGKILL');
    return this.#ended;
  }

  ended(): Promise<Ending> {
    return this.#ended;
  }

  /** Resolves when a condition is true after a report; rejects if the process ends earlier. */
  async until(isTrue: () => boolean): Promise<void> {
    await this.#received(() => isTrue() || undefined);
  }

  /** Resolves to the number of emitted events when the application has stopped emitting. */
  protected async stopped(): Promise<number> {
    return this.#received(({ stopped }) => stopped);
  }

  #received<T>(select: (message: Message) => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const onMessage = (message: Message): void => {
        const selected = select(message);
        if (selected === undefined) return;
        this.#child.off('message', onMessage);
        resolve(selected);
      };
      this.#child.on('message', onMessage);
      void this.#ended.then(({ code, signal }) =>
        reject(new Error(`The process ended too early (${code ?? signal}):\n${this.#output}`)),
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
    return this.stats?.arrived ?? 0;
  }

  /** The stats of the queue: events that the application sends to Redis. */
  get queue(): EventStats {
    return this.stats?.backends['node.queue'] ?? NO_EVENTS;
  }

  /** Stops the application; resolves to the number of events that it has emitted. */
  async stop(): Promise<number> {
    const stopped = this.stopped();
    this.terminate();
    return stopped;
  }
}

/** A worker that stores events. */
export class FleetWorker extends Member {
  constructor(servers: FleetServers) {
    super('fleet-worker.mjs', servers);
  }

  /** The stats of the MongoDB backend: events that the worker took from the queue. */
  get store(): EventStats {
    return this.stats?.backends['node.mongo'] ?? NO_EVENTS;
  }
}
