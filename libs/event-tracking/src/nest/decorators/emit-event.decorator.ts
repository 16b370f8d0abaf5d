import { checkOptions } from '../../core/diagnostics/check-options.js';
import { describeValue } from '../../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../../core/diagnostics/errors.js';
import { isPlainObject } from '../../core/event/event.js';
import {
  isEventType,
  nameOfType,
  type EventDataOf,
  type EventType,
} from '../../core/event-types/event-type.js';
import { decorateMethod, type EmitOn, type MethodCall } from './decorated-method.js';

/** What an {@link EmitEvent} emits, and when. */
export interface EmitEventOptions<
  Args extends readonly unknown[] = never,
  Result = never,
  Data extends object = object,
> {
  /**
   * The event's data: an object, or a function that makes one of the call.
   *
   * @default {}
   */
  data?: Data | ((call: MethodCall<Args, Result>) => Data);
  /**
   * Emit when the method succeeded, when it failed, or in either case and also when its Observable was left early.
   *
   * @default 'success'
   */
  on?: EmitOn;
  /**
   * The name of the tracker that emits.
   *
   * @default 'default'
   */
  tracker?: string;
}

const OUTCOMES: readonly unknown[] = ['success', 'error', 'settled'];

/**
 * Emits an event each time the method has done its work.
 *
 * @remarks
 * For a promise that is when it settles, for an Observable when a subscription ends. Works on handlers of any transport and
 * on methods of any provider that Nest makes. A fault in `data` is reported, the event is emitted without data, and the
 * method is not affected.
 * @example
 * ```ts
 * @EmitEvent('course.enrolled', { data: ({ args: [courseId], result }) => ({ course_id: courseId, seat: result.seat }) })
 * enrol(courseId: string) { … }
 * ```
 * @throws {@link ImproperlyConfigured} at declaration, where it stands on no method or its options are none
 */
// What a method's arguments and result are, only the factory can say.
// oxlint-disable-next-line typescript/no-explicit-any
export function EmitEvent<T extends EventType, Args extends readonly unknown[] = any, Result = any>(
  type: T,
  ...options: TypedOptions<EventDataOf<T>, EmitEventOptions<Args, Result, EventDataOf<T>>>
): MethodDecorator;
// oxlint-disable-next-line typescript/no-explicit-any
export function EmitEvent<Args extends readonly unknown[] = any, Result = any>(
  name: string,
  options?: EmitEventOptions<Args, Result>,
): MethodDecorator;
export function EmitEvent(
  event: string | EventType,
  options: EmitEventOptions = {},
): MethodDecorator {
  if (typeof event !== 'string' && !isEventType(event)) {
    throw new ImproperlyConfigured(
      `@EmitEvent: expected the name of an event or what defineEvent returns, received ${describeValue(event)}. ` +
        `An undefined type is often imported in a circle.`,
    );
  }
  const decorator = `@EmitEvent('${nameOfType(event)}')`;
  checkOptions(options, decorator, { data: true, on: true, tracker: true });
  const { data, on = 'success', tracker } = options;
  if (data !== undefined && typeof data !== 'function' && !isPlainObject(data)) {
    throw new ImproperlyConfigured(
      `${decorator}: data is an object or a function that makes one, received ${describeValue(data)}.`,
    );
  }
  if (!OUTCOMES.includes(on)) {
    throw new ImproperlyConfigured(
      `${decorator}: on is 'success', 'error' or 'settled', received ${describeValue(on)}.`,
    );
  }
  const emit = { event, data, on, tracker };
  return ((prototype: object, key: string | symbol, descriptor?: PropertyDescriptor) =>
    decorateMethod(decorator, prototype, key, descriptor, { emit })) as MethodDecorator;
}

/** Data have to be said where the event's type requires a field. */
type TypedOptions<Data extends object, Options extends { data?: unknown }> =
  Record<never, never> extends Data
    ? [options?: Options]
    : [options: Options & { data: NonNullable<Options['data']> }];
