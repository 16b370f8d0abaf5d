import { describeValue } from '../diagnostics/describe.js';
import { ImproperlyConfigured } from '../diagnostics/errors.js';
import type { TrackingEvent } from '../event/event.js';

/** What a processor may answer: the event to go on with, or nothing to keep the one it was given. */
export type ProcessorResult = TrackingEvent | void | Promise<TrackingEvent | void>;

/** Enriches, changes or drops an event; drops it by throwing {@link EventEmissionExit}. */
export type ProcessorFunction = (event: TrackingEvent) => ProcessorResult;

/** A processor that is an object. */
export interface ProcessorObject {
  process(event: TrackingEvent): ProcessorResult;
}

/**
 * A processor that only says yes or no. What it cannot judge, because it throws, is dropped.
 *
 * @remarks A promise is waited for behind a queue only; elsewhere the event is dropped, as one that cannot be judged.
 */
export interface FilterObject {
  filter(event: TrackingEvent): boolean | Promise<boolean>;
}

/** A step that enriches, changes or drops an event before it is delivered. */
export type Processor = ProcessorFunction | ProcessorObject | FilterObject;

/** A processor in the form in which it is run. */
export interface ProcessingStep {
  readonly processor: Processor;
  readonly name: string;
  readonly isFilter: boolean;
  readonly run: (event: TrackingEvent) => unknown;
}

/**
 * Makes a processor ready to run.
 *
 * @param where - how the configuration names the place, for the message
 * @throws {@link ImproperlyConfigured} when the value is no processor
 */
export function toStep(processor: unknown, where: string): ProcessingStep {
  if (typeof processor === 'function') {
    if (isClassOf(processor, ['process', 'filter'])) {
      throw new ImproperlyConfigured(
        `${where}: expected a processor, received ${describeValue(processor)} itself. ` +
          `Pass an instance: new ${processor.name}(…).`,
      );
    }
    const run = processor as ProcessorFunction;
    return { processor: run, name: processor.name || 'anonymous', isFilter: false, run };
  }
  if (typeof processor === 'object' && processor !== null) {
    const name = processor.constructor?.name ?? 'Object';
    if ('process' in processor && typeof processor.process === 'function') {
      const object = processor as ProcessorObject;
      return { processor: object, name, isFilter: false, run: (event) => object.process(event) };
    }
    if (
      'filter' in processor &&
      typeof processor.filter === 'function' &&
      !Array.isArray(processor)
    ) {
      const object = processor as FilterObject;
      return { processor: object, name, isFilter: true, run: (event) => object.filter(event) };
    }
  }
  throw new ImproperlyConfigured(
    `${where}: expected a processor (a function, or an object with 'process' or 'filter'), ` +
      `received ${describeValue(processor)}.`,
  );
}

/** Tells a class from a function: its prototype has one of the methods that instances are used by. */
export function isClassOf(
  value: unknown,
  methods: readonly string[],
): value is new (...args: never[]) => object {
  if (typeof value !== 'function') return false;
  const prototype: unknown = value.prototype;
  return (
    typeof prototype === 'object' &&
    prototype !== null &&
    methods.some((method) => typeof (prototype as Record<string, unknown>)[method] === 'function')
  );
}
