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
import {
  checkedTransactionMode,
  type TransactionMode,
} from '../../core/event-types/transaction-mode.js';
import { decorateMethod } from './decorate-method.js';
import type { MethodCall } from './method-call.js';
import type { EmitOn } from './method-plan.js';

/** The options of {@link EmitEvent}. */
export interface EmitEventOptions<
  Args extends readonly unknown[] = never,
  Result = never,
  Data extends object = object,
  Instance = unknown,
> {
  /**
   * The event's data: an object, or a function that creates one from the call.
   *
   * @default {}
   */
  data?: Data | ((call: MethodCall<Args, Result, Instance>) => Data);
  /**
   * When to emit: after success, after an error, or in both cases.
   *
   * @remarks `settled` also emits when a consumer leaves the method's Observable or generator early.
   *
   * @default 'success'
   */
  on?: EmitOn;
  /**
   * Whether the event waits for the end of the transaction in which the method ends.
   *
   * @remarks `always` wins over the event type and the tracker.
   * @default 'always' for a method that failed; otherwise the type or the tracker decides
   */
  transaction?: TransactionMode;
  /**
   * The name of the tracker that emits the event.
   *
   * @default 'default'
   */
  tracker?: string;
}

const OUTCOMES: readonly unknown[] = ['success', 'error', 'settled'];

/**
 * Emits an event each time a method completes.
 *
 * @remarks
 * A promise completes when it settles, an Observable when a subscription ends, a generator when its
 * body ends, and a lazy query when its caller has executed it for the first time. A query is never
 * executed by the decorator, and stays the same object. Streams and other iterables count as values.
 *
 * Works on handlers of any transport and on methods of any provider that Nest creates. If `data`
 * fails, the error is reported, the event is emitted without data, and the method is not affected.
 * @example
 * ```ts
 * @EmitEvent('course.enrolled', {
 *   data: ({ args: [courseId], result }) => ({ course_id: courseId, seat: result.seat }),
 * })
 * enrol(courseId: string) { … }
 * ```
 * @throws {@link ImproperlyConfigured} at declaration, if the target is not a method or an
 * option is invalid
 */
// Only the factory's own signature can declare the method's arguments and result.
export function EmitEvent<
  T extends EventType,
  // oxlint-disable-next-line typescript/no-explicit-any
  Args extends readonly unknown[] = any,
  // oxlint-disable-next-line typescript/no-explicit-any
  Result = any,
  Instance = unknown,
>(
  type: T,
  ...options: TypedOptions<EventDataOf<T>, EmitEventOptions<Args, Result, EventDataOf<T>, Instance>>
): MethodDecorator;
// oxlint-disable-next-line typescript/no-explicit-any
export function EmitEvent<Args extends readonly unknown[] = any, Result = any, Instance = unknown>(
  name: string,
  options?: EmitEventOptions<Args, Result, object, Instance>,
): MethodDecorator;
export function EmitEvent(
  event: string | EventType,
  options: EmitEventOptions<never, never, object, never> = {},
): MethodDecorator {
  if (typeof event !== 'string' && !isEventType(event)) {
    throw new ImproperlyConfigured(
      `@EmitEvent: event must be a name or the result of defineEvent; ` +
        `received ${describeValue(event)}. If the type is undefined, look for a circular import.`,
    );
  }
  const decorator = `@EmitEvent('${nameOfType(event)}')`;
  checkOptions(options, decorator, { data: true, on: true, transaction: true, tracker: true });
  const { data, on = 'success', tracker } = options;
  const transaction = checkedTransactionMode(options.transaction, `${decorator}: `);
  if (data !== undefined && typeof data !== 'function' && !isPlainObject(data)) {
    throw new ImproperlyConfigured(
      `${decorator}: data must be an object or a function that returns one; ` +
        `received ${describeValue(data)}.`,
    );
  }
  if (!OUTCOMES.includes(on)) {
    throw new ImproperlyConfigured(
      `${decorator}: on must be 'success', 'error' or 'settled'; received ${describeValue(on)}.`,
    );
  }
  const emit = { event, data, on, transaction, tracker };
  return ((prototype: object, key: string | symbol, descriptor?: PropertyDescriptor) =>
    decorateMethod(decorator, prototype, key, descriptor, { emit })) as MethodDecorator;
}

/** Makes `data` mandatory if the event's type has a required field. */
type TypedOptions<Data extends object, Options extends { data?: unknown }> =
  Record<never, never> extends Data
    ? [options?: Options]
    : [options: Options & { data: NonNullable<Options['data']> }];
