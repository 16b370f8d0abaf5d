import type { Deadline } from '../core/tree/backend.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { FilterObject } from '../core/tree/processor.js';
import { EventThreads } from './event-threads.js';
import type { ThreadOptions } from './thread-options.js';

/**
 * Filters events in worker threads. Like any filter, it drops an event when it fails.
 *
 * @remarks
 * - The module's default export is an object with `filter`, or a class of such objects whose
 *   constructor takes no arguments.
 * - An event is dropped and reported when the filter throws, when its thread dies, and when it takes
 *   longer than `timeout`.
 * - In all other respects it behaves like {@link ThreadProcessor}.
 */
export class ThreadFilter implements FilterObject {
  readonly #threads: EventThreads;

  /**
   * @param module - the `file:` URL or the absolute path of a JavaScript module
   * @throws {@link ImproperlyConfigured} if the file does not exist or an option is invalid
   */
  constructor(module: string | URL, options: ThreadOptions = {}) {
    const owner = { name: 'ThreadFilter', role: 'filter' } as const;
    this.#threads = new EventThreads(owner, module, options);
  }

  /** Resolves to the filter's verdict; rejects with the error that the thread threw. */
  async filter(event: TrackingEvent): Promise<boolean> {
    const reply = await this.#threads.run({ event });
    return 'isKept' in reply && reply.isKept;
  }

  /**
   * Loads the module in a thread.
   *
   * @throws {@link ImproperlyConfigured} if loading fails or the default export is not a filter
   */
  async check(): Promise<void> {
    await this.#threads.run({});
  }

  /** Rejects new events, waits for pending ones until the signal aborts, and stops the threads. */
  async close(options: Deadline = {}): Promise<void> {
    await this.#threads.close(options);
  }
}
