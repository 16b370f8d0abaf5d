import type { Deadline } from '../core/tree/backend.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { FilterObject } from '../core/tree/processor.js';
import { EventThreads } from './event-threads.js';
import type { ThreadOptions } from './thread-options.js';

/**
 * A filter that runs in threads of its own; what it cannot judge is dropped, as with any filter.
 *
 * @remarks
 * - The module's default export is an object with `filter`, or a class of such objects whose constructor takes no arguments.
 * - An event is dropped and reported when the filter throws, when its thread dies, and when it takes longer than `timeout`.
 * - In everything else it is as {@link ThreadProcessor}.
 */
export class ThreadFilter implements FilterObject {
  readonly #threads: EventThreads;

  /**
   * @param module - the `file:` URL or the absolute path of a JavaScript module
   * @throws {@link ImproperlyConfigured} where there is no such file, and for options that cannot work
   */
  constructor(module: string | URL, options: ThreadOptions = {}) {
    const owner = { name: 'ThreadFilter', role: 'filter' } as const;
    this.#threads = new EventThreads(owner, module, options);
  }

  /** Resolves to what the filter said in the thread; rejects with what was thrown in it. */
  async filter(event: TrackingEvent): Promise<boolean> {
    const reply = await this.#threads.run({ event });
    return 'isKept' in reply && reply.isKept;
  }

  /**
   * Loads the module in a thread.
   *
   * @throws {@link ImproperlyConfigured} when it cannot be loaded, or its default export is no filter
   */
  async check(): Promise<void> {
    await this.#threads.run({});
  }

  /** Takes no more events, waits for those under way until the signal aborts, and ends the threads. */
  async close(options: Deadline = {}): Promise<void> {
    await this.#threads.close(options);
  }
}
