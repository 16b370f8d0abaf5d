import type { Deadline } from '../core/tree/backend.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { ProcessorObject } from '../core/tree/processor.js';
import { EventThreads } from './event-threads.js';
import type { ThreadOptions } from './thread-options.js';

/**
 * A processor that runs in threads of its own, so that what it computes holds up nobody.
 *
 * @remarks
 * - It belongs behind a queue: in front of one, nobody can wait for a promise. What waits for a thread is bounded by that queue.
 * - The module's default export is a processor: a function, an object with `process`, or a class of such objects whose
 *   constructor takes no arguments. Each thread loads it once. It is given a copy of the event, in which dates are dates.
 * - What it changes or returns goes on; by throwing {@link EventEmissionExit} it drops the event. What else it throws is
 *   reported with its name and message, and the event goes on as it was.
 * - When a thread dies or takes longer than `timeout`, that is reported too, and its event goes on as it was. The next event
 *   gets a new thread. Of a thread that is out of memory Node may end the whole process.
 * - Threads start with the first event and end when they have nothing to do. Idle ones keep no process alive.
 */
export class ThreadProcessor implements ProcessorObject {
  readonly #threads: EventThreads;

  /**
   * @param module - the `file:` URL or the absolute path of a JavaScript module
   * @throws {@link ImproperlyConfigured} where there is no such file, and for options that cannot work
   */
  constructor(module: string | URL, options: ThreadOptions = {}) {
    const owner = { name: 'ThreadProcessor', role: 'processor' } as const;
    this.#threads = new EventThreads(owner, module, options);
  }

  /** Resolves to what the thread made of the event; rejects with what was thrown in it. */
  async process(event: TrackingEvent): Promise<TrackingEvent> {
    const reply = await this.#threads.run({ event });
    return 'event' in reply ? reply.event : event;
  }

  /**
   * Loads the module in a thread.
   *
   * @throws {@link ImproperlyConfigured} when it cannot be loaded, or its default export is no processor
   */
  async check(): Promise<void> {
    await this.#threads.run({});
  }

  /** Takes no more events, waits for those under way until the signal aborts, and ends the threads. */
  async close(options: Deadline = {}): Promise<void> {
    await this.#threads.close(options);
  }
}
