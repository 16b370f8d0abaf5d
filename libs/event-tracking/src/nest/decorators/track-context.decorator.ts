import { checkOptions } from '../../core/diagnostics/check-options.js';
import { describeValue } from '../../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../../core/diagnostics/errors.js';
import { isPlainObject } from '../../core/event/event.js';
import {
  isContextType,
  nameOfType,
  type ContextType,
  type ContextValuesOf,
} from '../../core/event-types/event-type.js';
import { decorateMethod } from './decorate-method.js';
import type { MethodCall } from './method-call.js';
import type { ContextStep } from './method-plan.js';

/** The options of {@link TrackContext}. */
export interface TrackContextOptions {
  /**
   * The name of the tracker whose events carry the context.
   *
   * @default all trackers of the application
   */
  tracker?: string;
}

/** The values of a context, or a function that derives them from the call. */
export type ContextValues<
  Args extends readonly unknown[],
  Values extends object = object,
  Instance = unknown,
> = Values | ((call: MethodCall<Args, never, Instance>) => Values);

/**
 * Runs a method, or each handler of a class, inside a context.
 *
 * @remarks
 * Without arguments the context is named `handler` and contains the name of the handler:
 * `{ handler: 'CoursesController.read' }`. Works on handlers of any transport and on methods of any
 * provider that Nest creates, with any return type. Work that begins after the method has returned
 * also runs inside the context: subscriptions of an Observable, steps of a generator, and the
 * execution of a lazy query. If the factory fails, the error is reported and the method runs without
 * the context.
 * @example
 * ```ts
 * @TrackContext('course', ({ args: [courseId] }) => ({ course_id: courseId }))
 * read(courseId: string) { … }
 * ```
 * @throws {@link ImproperlyConfigured} at declaration, if the target is not a method or a class
 */
// Only the factory's own signature can declare the method's arguments.
export function TrackContext<
  C extends ContextType,
  // oxlint-disable-next-line typescript/no-explicit-any
  Args extends readonly unknown[] = any,
  Instance = unknown,
>(
  type: C,
  values: ContextValues<Args, ContextValuesOf<C>, Instance>,
  options?: TrackContextOptions,
): ClassDecorator & MethodDecorator;
// oxlint-disable-next-line typescript/no-explicit-any
export function TrackContext<Args extends readonly unknown[] = any, Instance = unknown>(
  name?: string,
  values?: ContextValues<Args, object, Instance>,
  options?: TrackContextOptions,
): ClassDecorator & MethodDecorator;
export function TrackContext(
  context?: string | ContextType,
  values?: ContextValues<never, object, never>,
  options: TrackContextOptions = {},
): ClassDecorator & MethodDecorator {
  if (context !== undefined && typeof context !== 'string' && !isContextType(context)) {
    throw new ImproperlyConfigured(
      `@TrackContext: context must be a name or the result of defineContext; ` +
        `received ${describeValue(context)}.`,
    );
  }
  const name = nameOfType(context);
  const decorator = name === undefined ? '@TrackContext()' : `@TrackContext('${name}')`;
  checkOptions(options, decorator, { tracker: true });
  if (values !== undefined && typeof values !== 'function' && !isPlainObject(values)) {
    throw new ImproperlyConfigured(
      `${decorator}: values must be an object or a function that returns one; ` +
        `received ${describeValue(values)}.`,
    );
  }
  const decorate = (prototype: object, key: string | symbol, descriptor?: PropertyDescriptor) =>
    decorateMethod(decorator, prototype, key, descriptor, {
      context: contextStep(key, context, values, options),
    });
  return ((target: Function | object, key?: string | symbol, descriptor?: PropertyDescriptor) => {
    if (key !== undefined) return decorate(target, key, descriptor);
    decorateHandlers(target as Function, decorate);
    return undefined;
  }) as ClassDecorator & MethodDecorator;
}

function contextStep(
  key: string | symbol,
  context: string | ContextType | undefined,
  values: ContextStep['values'] | undefined,
  { tracker }: TrackContextOptions,
): ContextStep {
  const handler = ({ instance }: MethodCall) => ({
    handler: `${classNameOf(instance)}.${String(key)}`,
  });
  return { context: context ?? 'handler', values: values ?? handler, tracker };
}

function classNameOf(instance: unknown): string {
  return (instance as object).constructor.name;
}

/**
 * Decorates the methods that carry metadata, as handlers do, or else all own methods of the class.
 */
function decorateHandlers(
  type: Function,
  decorate: (
    prototype: object,
    key: string | symbol,
    descriptor?: PropertyDescriptor,
  ) => PropertyDescriptor,
): void {
  const prototype = type.prototype as object;
  const methods = methodsOf(prototype);
  const handlers = methods.filter(
    ({ method }) => (Reflect.getOwnMetadataKeys(method) as unknown[]).length > 0,
  );
  const own = methods.filter(({ owner }) => owner === prototype);
  for (const { key, descriptor } of handlers.length > 0 ? handlers : own) {
    Object.defineProperty(prototype, key, decorate(prototype, key, descriptor));
  }
}

interface MethodOfClass {
  readonly key: string | symbol;
  readonly owner: object;
  readonly method: Function;
  readonly descriptor: PropertyDescriptor;
}

/** Lists the methods of a class, including inherited ones but not those that they override. */
function methodsOf(prototype: object): MethodOfClass[] {
  const methods = new Map<string | symbol, MethodOfClass>();
  for (
    let owner: object = prototype;
    owner !== Object.prototype;
    owner = Object.getPrototypeOf(owner) as object
  ) {
    for (const key of Reflect.ownKeys(owner)) {
      const descriptor = Object.getOwnPropertyDescriptor(owner, key)!;
      const method: unknown = descriptor.value;
      if (key === 'constructor' || typeof method !== 'function' || methods.has(key)) continue;
      methods.set(key, { key, owner, method, descriptor });
    }
  }
  return [...methods.values()];
}
