import { describeError, describeValue } from '../diagnostics/describe.js';
import { EventEmissionExit } from '../diagnostics/errors.js';
import { isTrackingEvent, nameOf, type TrackingEvent } from '../event/event.js';
import { isThenable } from './is-thenable.js';
import { toStep, type ProcessingStep, type Processor } from './processor.js';
import type { Place } from './tree-node.js';

/** What came out of a chain: an event, or why there is none. */
export type Processed = TrackingEvent | 'filtered' | 'filter_failed';

/** The processors of a node, which run one after the other: `c(b(a(event)))`. */
export class ProcessorChain {
  #steps: readonly ProcessingStep[] = [];
  #changesEvents = false;

  /** Asks where the node stands, for messages. */
  constructor(private readonly place: () => Place) {}

  get processors(): readonly Processor[] {
    return this.#steps.map((step) => step.processor);
  }

  /** Whether a step may make an event larger or smaller. */
  get changesEvents(): boolean {
    return this.#changesEvents;
  }

  /** @throws {@link ImproperlyConfigured} when the value is no processor */
  add(processor: Processor): void {
    const { path } = this.place();
    const where = `${path === '' ? '' : `backends.${path}.`}processors[${this.#steps.length}]`;
    const step = toStep(processor, where);
    this.#steps = [...this.#steps, step];
    if (!step.isFilter) this.#changesEvents = true;
  }

  /** Runs where events flow synchronously, and nobody can wait for a processor. */
  run(event: TrackingEvent): Processed {
    let current = event;
    for (const step of this.#steps) {
      let next: Processed;
      try {
        const result = step.run(current);
        if (isThenable(result)) throw nobodyWaits(result);
        next = judge(step, current, result);
      } catch (fault) {
        next = this.#judgeFault(step, current, fault);
      }
      if (typeof next === 'string') return next;
      current = next;
    }
    return current;
  }

  /** Runs behind a queue, where processors may take their time. */
  async runLater(event: TrackingEvent): Promise<Processed> {
    let current = event;
    for (const step of this.#steps) {
      let next: Processed;
      try {
        next = judge(step, current, await step.run(current));
      } catch (fault) {
        next = this.#judgeFault(step, current, fault);
      }
      if (typeof next === 'string') return next;
      current = next;
    }
    return current;
  }

  #judgeFault(step: ProcessingStep, event: TrackingEvent, fault: unknown): Processed {
    if (fault instanceof EventEmissionExit) return 'filtered';
    const { path, diagnostics } = this.place();
    const node = path === '' ? 'the root' : `'${path}'`;
    const consequence = step.isFilter ? 'The event is dropped' : 'The event goes on without it';
    diagnostics.error(
      `processor ${step.name} of ${node}`,
      `The processor ${step.name} of ${node} failed for the event '${nameOf(event)}': ` +
        `${describeError(fault)}. ${consequence}.`,
    );
    return step.isFilter ? 'filter_failed' : event;
  }
}

function judge(step: ProcessingStep, event: TrackingEvent, result: unknown): Processed {
  if (step.isFilter) return result ? event : 'filtered';
  if (result === undefined || result === null) return event;
  if (isTrackingEvent(result)) return result;
  throw new TypeError(`it returned ${describeValue(result)}, which is no event`);
}

/** The rejection of what nobody waits for must still reach nobody. */
function nobodyWaits(promise: PromiseLike<unknown>): TypeError {
  Promise.resolve(promise).catch(() => {});
  return new TypeError('it returned a promise, which only nodes behind a queue can wait for');
}
