import { describeValue } from '../diagnostics/describe.js';
import { ImproperlyConfigured } from '../diagnostics/errors.js';
import type { TrackingEvent } from '../event/event.js';

/** The event to continue with, or nothing to keep the given one. */
export type ProcessorResult = TrackingEvent | void | Promise<TrackingEvent | void>;

/** Enriches, changes or drops an event; drops it by throwing {@link EventEmissionExit}. */
export type ProcessorFunction = (event: TrackingEvent) => ProcessorResult;

/** A processor that is an object. */
export interface ProcessorObject {
  process(event: TrackingEvent): ProcessorResult;
}

/**
 * A processor that only accepts or drops events; if it throws, the event is dropped.
 *
 * @remarks Promises are awaited behind a queue only; elsewhere they count as a failure, and the event is dropped.
 */
export interface FilterObject {
  filter(event: TrackingEvent): boolean | Promise<boolean>;
}

/** A step that enriches, changes or drops an event before it is delivered. */
export type Processor = ProcessorFunction | ProcessorObject | FilterObject;

/** A processor that is ready to run. */
export interface ProcessingStep {
  readonly processor: Processor;
  readonly name: string;
  readonly isFilter: boolean;
  readonly run: (event: TrackingEvent) => unknown;
}

/**
 * Makes a processor ready to run.
 *
 * @param where - the path of the option, for messages
 * @throws {@link ImproperlyConfigured} for a value that is not a processor
 */
export function toStep(processor: unknown, where: string): ProcessingStep {
  if (typeof processor === 'function') {
    if (isClassOf(processor, ['process', 'filter'])) {
      throw new ImproperlyConfigured(
        `${where}: must be a processor; received ${describeValue(processor)} itself. ` +
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
    `${where}: must be a processor (a function, or an object with 'process' or 'filter'); ` +
      `received ${describeValue(processor)}.`,
  );
}

/** Whether a value is a class whose instances have one of the methods. */
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
