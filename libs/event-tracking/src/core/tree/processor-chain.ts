import { describeError, describeValue } from '../diagnostics/describe.js';
import { EventEmissionExit } from '../diagnostics/errors.js';
import { isTrackingEvent, nameOf, type TrackingEvent } from '../event/event.js';
import { isThenable } from '../diagnostics/is-thenable.js';
import { toStep, type ProcessingStep, type Processor } from './processor.js';
import type { Position } from './tree-node.js';

/** The event that came out of a chain, or why there is none. */
export type Processed = TrackingEvent | 'filtered' | 'filter_failed';

/** The processors of a node, which run one after the other: `c(b(a(event)))`. */
export class ProcessorChain {
  #steps: readonly ProcessingStep[] = [];
  #changesEvents = false;

  constructor(private readonly position: () => Position) {}

  get all(): readonly Processor[] {
    return this.#steps.map((step) => step.processor);
  }

  /** Whether a step may make an event larger or smaller. */
  get changesEvents(): boolean {
    return this.#changesEvents;
  }

  /** @throws {@link ImproperlyConfigured} for a value that is not a processor */
  add(processor: Processor): void {
    const { path } = this.position();
    const where = `${path === '' ? '' : `backends.${path}.`}processors[${this.#steps.length}]`;
    const step = toStep(processor, where);
    this.#steps = [...this.#steps, step];
    if (!step.isFilter) this.#changesEvents = true;
  }

  /** Runs all steps synchronously; a step that returns a promise has failed. */
  run(event: TrackingEvent): Processed {
    let current = event;
    for (const step of this.#steps) {
      let next: Processed;
      try {
        const result = step.run(current);
        if (isThenable(result)) throw unawaited(result);
        next = readResult(step, current, result);
      } catch (error) {
        next = this.#afterFailure(step, current, error);
      }
      if (typeof next === 'string') return next;
      current = next;
    }
    return current;
  }

  /** Runs all steps behind a queue, and awaits each. */
  async runAsync(event: TrackingEvent): Promise<Processed> {
    let current = event;
    for (const step of this.#steps) {
      let next: Processed;
      try {
        next = readResult(step, current, await step.run(current));
      } catch (error) {
        next = this.#afterFailure(step, current, error);
      }
      if (typeof next === 'string') return next;
      current = next;
    }
    return current;
  }

  #afterFailure(step: ProcessingStep, event: TrackingEvent, error: unknown): Processed {
    if (error instanceof EventEmissionExit) return 'filtered';
    const { path, diagnostics } = this.position();
    const node = path === '' ? 'the root' : `'${path}'`;
    const consequence = step.isFilter ? 'The event is dropped' : 'The event continues without it';
    diagnostics.error(
      `processor ${step.name} of ${node}`,
      `The processor ${step.name} of ${node} failed for the event '${nameOf(event)}': ` +
        `${describeError(error)}. ${consequence}.`,
    );
    return step.isFilter ? 'filter_failed' : event;
  }
}

function readResult(step: ProcessingStep, event: TrackingEvent, result: unknown): Processed {
  if (step.isFilter) return result ? event : 'filtered';
  if (result === undefined || result === null) return event;
  if (isTrackingEvent(result)) return result;
  throw new TypeError(`it returned ${describeValue(result)}, which is not an event`);
}

/** Also handles the promise's rejection, which would otherwise end the process. */
function unawaited(promise: PromiseLike<unknown>): TypeError {
  Promise.resolve(promise).catch(() => {});
  return new TypeError('it returned a promise, which only nodes behind a queue can await');
}
