import { Worker } from 'bullmq';
import { isRefusal } from './redis-error.js';

const REFUSED_PAUSE_MS = 1_000;
/** BullMQ's own pause after a failed search for stalled jobs. */
const STALLED_PAUSE_MS = 5_000;

/** A worker of BullMQ that can be ended while Redis is away, and is patient with a Redis that refuses commands. */
export class JobWorker<DataType = unknown> extends Worker<DataType> {
  readonly #aborted = new AbortController();

  /** Ends the worker without waiting for Redis; its connections must be ended too. */
  abort(): void {
    this.#aborted.abort();
    const endings = [this.close(true), this.pause(true), this.lockManager.close()];
    for (const each of endings) each.catch(() => {});
  }

  override async delay(...[milliseconds = 100, other]: Parameters<Worker['delay']>): Promise<void> {
    await pause(milliseconds, [this.#aborted.signal, other?.signal]);
  }

  protected override async checkConnectionError<T>(
    work: () => Promise<T>,
    milliseconds = STALLED_PAUSE_MS,
  ): Promise<T | undefined> {
    let hasFailed = false;
    const result = await super.checkConnectionError(async () => {
      try {
        return await work();
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }, 0);
    if (hasFailed && this.closing === undefined) await this.delay(milliseconds);
    return result;
  }

  /** BullMQ asks for the next job at once, again and again. */
  protected override async moveToActive(
    ...args: Parameters<Worker<DataType>['moveToActive']>
  ): ReturnType<Worker<DataType>['moveToActive']> {
    try {
      return await super.moveToActive(...args);
    } catch (error) {
      if (isRefusal(error)) await this.delay(REFUSED_PAUSE_MS);
      throw error;
    }
  }

  /** BullMQ would take a completed job for a failed one if Redis refuses to record its end. */
  protected override async handleCompleted(
    ...args: Parameters<Worker<DataType>['handleCompleted']>
  ): ReturnType<Worker<DataType>['handleCompleted']> {
    for (;;) {
      try {
        return await super.handleCompleted(...args);
      } catch (error) {
        if (!isRefusal(error) || this.#aborted.signal.aborted) throw error;
        this.emit('error', error as Error);
        await this.delay(REFUSED_PAUSE_MS);
      }
    }
  }
}

/** The signals of Node, and those that BullMQ brings along. */
interface Abortable {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

async function pause(
  milliseconds: number,
  signals: readonly (Abortable | undefined)[],
): Promise<void> {
  const given = signals.filter((each) => each !== undefined);
  if (given.some(({ aborted }) => aborted)) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      for (const each of given) each.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    for (const each of given) each.addEventListener('abort', end);
  });
}
