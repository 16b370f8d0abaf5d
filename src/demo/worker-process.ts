import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Delivery } from './watch-deliveries.js';

const PATIENCE_MS = 10_000;

/** The worker, in a process of its own. */
export class WorkerProcess {
  readonly deliveries: Delivery[] = [];

  private constructor(
    private readonly child: ReturnType<typeof fork>,
    tell: (delivery: Delivery) => void,
  ) {
    child.on('message', (delivery: Delivery) => {
      this.deliveries.push(delivery);
      tell(delivery);
    });
  }

  /** Resolves when the worker is at work. */
  static async start(tell: (delivery: Delivery) => void): Promise<WorkerProcess> {
    const child = fork(fileURLToPath(new URL('./worker.js', import.meta.url)), {
      serialization: 'advanced',
    });
    await once(child, 'message');
    return new WorkerProcess(child, tell);
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Resolves when so many events have been delivered, or after a while that is long enough. */
  async hasDelivered(count: number): Promise<void> {
    const deadline = AbortSignal.timeout(PATIENCE_MS);
    try {
      while (this.deliveries.length < count) {
        await once(this.child, 'message', { signal: deadline });
      }
    } catch {
      // What is missing is said at the end.
    }
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.disconnect();
    await ended;
  }
}
