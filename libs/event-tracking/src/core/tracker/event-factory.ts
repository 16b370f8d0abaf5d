import type { ContextLocator } from '../context/context-locator.js';
import type { MeasuredContext } from '../context/context-view.js';
import { describeError, describeValue } from '../diagnostics/describe.js';
import type { Diagnostics } from '../diagnostics/diagnostics.js';
import { isPlainObject, type EventData, type TrackingEvent } from '../event/event.js';
import { createEventId } from '../event/event-id.js';
import { EVENT_OVERHEAD } from '../event/event-size.js';
import type { TypeCheck } from '../event-types/type-check.js';
import type { RegisteredType, TypeRegister } from '../event-types/type-register.js';
import { snapshot } from '../event/snapshot.js';

/** The collaborators of an {@link EventFactory}. */
export interface EventFactoryParts {
  /** The name of the tracker that emits the events. */
  readonly tracker: string;
  readonly locator: ContextLocator;
  /** In bytes. */
  readonly maxEventSize: number;
  readonly types: TypeRegister;
  readonly check: TypeCheck;
  readonly diagnostics: Diagnostics;
}

/** An event with its estimated size in bytes. */
export interface SizedEvent {
  readonly event: TrackingEvent;
  readonly size: number;
}

/** The data of an event with its estimated size in bytes. */
interface MeasuredData {
  readonly values: EventData;
  readonly size: number;
}

const DEFAULT_NAME = 'unknown';
const ONCE_A_MINUTE = { burst: 1 };

/** Creates an event for each `emit`: with an id, a time, the entered contexts and its type. */
export class EventFactory {
  locator: ContextLocator;
  maxEventSize: number;
  readonly #tracker: string;
  readonly #types: TypeRegister;
  readonly #check: TypeCheck;
  readonly #diagnostics: Diagnostics;

  constructor(parts: EventFactoryParts) {
    this.locator = parts.locator;
    this.maxEventSize = parts.maxEventSize;
    this.#tracker = parts.tracker;
    this.#types = parts.types;
    this.#check = parts.check;
    this.#diagnostics = parts.diagnostics;
  }

  /** Creates an event with the current time; reports violations of its type. */
  make(name: unknown, data: unknown): SizedEvent {
    const now = Date.now();
    const type = this.#typeOf(name);
    const eventName =
      type?.name ?? (typeof name === 'string' && name !== '' ? name : this.#nameOf(name));
    const context = this.#contextFor(eventName);
    const body = this.#dataOf(eventName, data);
    if (type !== undefined) this.#check.compare(type, data, body.values);
    else if (this.#types.hasEvents || this.#check.isStrict) this.#check.unregistered(eventName);
    const event = eventOf({
      id: createEventId(now),
      name: eventName,
      timestamp: new Date(now),
      context: context.values,
      data: body.values,
      name_id: type?.id,
      context_type_id:
        context.types.length === 0 ? undefined : this.#types.contextId(context.types),
    });
    return { event, size: EVENT_OVERHEAD + eventName.length + context.size + body.size };
  }

  #typeOf(name: unknown): RegisteredType | undefined {
    if (typeof name === 'string') {
      return this.#types.hasEvents ? this.#types.event(name) : undefined;
    }
    return this.#types.of(name);
  }

  #nameOf(name: unknown): string {
    if (name === undefined || name === null || name === '') return DEFAULT_NAME;
    let text: string;
    try {
      text = String(name);
    } catch {
      text = DEFAULT_NAME;
    }
    this.#diagnostics.warn(
      'event names that are not strings',
      `emit: the name must be a string; received ${describeValue(name)}. The event is named '${text}'.`,
      ONCE_A_MINUTE,
    );
    return text;
  }

  #dataOf(name: string, data: unknown): MeasuredData {
    if (data === undefined || data === null) return { values: {}, size: 0 };
    const { value, conversions, size } = snapshot(data);
    if (conversions.length > 0) this.#check.unserialisable('data', name, conversions);
    if (size > this.maxEventSize) this.#check.oversized(name, size, this.maxEventSize);
    if (isPlainObject(value) && !(value instanceof Date)) return { values: value, size };
    this.#diagnostics.warn(
      `data of '${name}' that is not an object`,
      `emit: the data of the event '${name}' must be an object; received ${describeValue(data)}. The event is delivered with the data { value }.`,
      ONCE_A_MINUTE,
    );
    return { values: { value: value ?? null }, size };
  }

  #contextFor(name: string): MeasuredContext {
    try {
      return this.locator.get().measure(this.#tracker);
    } catch (fault) {
      this.#diagnostics.error(
        'the context locator',
        `The context locator failed for the event '${name}': ${describeError(fault)}. The event is delivered without context.`,
      );
      return { values: {}, size: 0, types: [] };
    }
  }
}

/** Omits ids that are undefined. One literal per case, because adding keys later costs a third more. */
function eventOf(event: TrackingEvent): TrackingEvent {
  const { id, name, timestamp, context, data, name_id, context_type_id } = event;
  if (name_id === undefined) {
    return context_type_id === undefined
      ? { id, name, timestamp, context, data }
      : { id, name, timestamp, context, data, context_type_id };
  }
  return context_type_id === undefined
    ? { id, name, timestamp, context, data, name_id }
    : { id, name, timestamp, context, data, name_id, context_type_id };
}
