import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Delivery } from './watch-deliveries.js';

const TIMEOUT_MS = 10_000;

/** Runs the worker in its own process. */
export class WorkerProcess {
  readonly deliveries: Delivery[] = [];

  private constructor(
    private readonly child: ReturnType<typeof fork>,
    report: (delivery: Delivery) => void,
  ) {
    child.on('message', (delivery: Delivery) => {
      this.deliveries.push(delivery);
      report(delivery);
    });
  }

  /** Resolves when the worker is running. */
  static async start(report: (delivery: Delivery) => void): Promise<WorkerProcess> {
    const child = fork(fileURLToPath(new URL('./worker.js', import.meta.url)), {
      serialization: 'advanced',
    });
    await once(child, 'message');
    return new WorkerProcess(child, report);
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Resolves when `count` events have been delivered, or after a timeout. */
  async hasDelivered(count: number): Promise<void> {
    const deadline = AbortSignal.timeout(TIMEOUT_MS);
    try {
      while (this.deliveries.length < count) {
        await once(this.child, 'message', { signal: deadline });
      }
    } catch {
      // The comparison at the end reports missing events.
    }
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.disconnect();
    await ended;
  }
}
