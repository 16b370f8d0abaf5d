import type { Deadline } from '../core/tree/backend.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { ProcessorObject } from '../core/tree/processor.js';
import { EventThreads } from './event-threads.js';
import type { ThreadOptions } from './thread-options.js';

/**
 * Processes events in worker threads, so that heavy computation does not block the main thread.
 *
 * @remarks
 * - Place it behind a queue: only nodes behind a queue can await promises. That queue also bounds how
 *   many events wait for a thread.
 * - The module's default export is a processor: a function, an object with `process`, or a class of
 *   such objects whose constructor takes no arguments. Each thread loads it once.
 * - The processor receives a copy of the event, in which `Date` values stay dates. The event continues
 *   with its changes or its return value; throwing {@link EventEmissionExit} drops the event.
 * - Any other error is reported with its name and message, and the event continues unchanged. The same
 *   happens when a thread dies or takes longer than `timeout`; the next event starts a new thread.
 * - Node may end the whole process when a thread runs out of memory.
 * - Threads start with the first event and stop after `idleTimeout`. Idle threads do not keep the
 *   process alive.
 */
export class ThreadProcessor implements ProcessorObject {
  readonly #threads: EventThreads;

  /**
   * @param module - the `file:` URL or the absolute path of a JavaScript module
   * @throws {@link ImproperlyConfigured} if the file does not exist or an option is invalid
   */
  constructor(module: string | URL, options: ThreadOptions = {}) {
    const owner = { name: 'ThreadProcessor', role: 'processor' } as const;
    this.#threads = new EventThreads(owner, module, options);
  }

  /** Resolves to the processed event; rejects with the error that the thread threw. */
  async process(event: TrackingEvent): Promise<TrackingEvent> {
    const reply = await this.#threads.run({ event });
    return 'event' in reply ? reply.event : event;
  }

  /**
   * Loads the module in a thread.
   *
   * @throws {@link ImproperlyConfigured} if loading fails or the default export is not a processor
   */
  async check(): Promise<void> {
    await this.#threads.run({});
  }

  /** Rejects new events, waits for pending ones until the signal aborts, and stops the threads. */
  async close(options: Deadline = {}): Promise<void> {
    await this.#threads.close(options);
  }
}
