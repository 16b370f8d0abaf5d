import { types } from 'node:util';
import { Logger, type ExecutionContext } from '@nestjs/common';
import { isObservable, type Observable } from 'rxjs';
import { ContextStack } from '../../core/context/context-stack.js';
import { describeError, describeValue } from '../../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../../core/diagnostics/errors.js';
import { isPlainObject } from '../../core/event/event.js';
import { nameOfType, type ContextType, type EventType } from '../../core/event-types/event-type.js';
import type { EventTrackingApplication } from '../module/application.js';
import { declareHost, applicationOf } from './owner-application.js';
import { claimDispatchedCall } from '../request/request-scope.js';
import { subscribeWithin, type Run } from './subscribe-within.js';
import { copyFunctionMetadata } from './copy-function-metadata.js';
import { DEFAULT_TRACKER } from '../tokens.js';

/** Describes a call of a decorated method to the decorators' factories. */
export interface MethodCall<
  Args extends readonly unknown[] = readonly unknown[],
  Result = unknown,
> {
  /** The method's own arguments. */
  args: Args;
  /** The object on which the method was called. */
  instance: unknown;
  /** Nest's execution context, if Nest dispatched the call. */
  executionContext?: ExecutionContext;
  /** The value that the method returned, resolved to or emitted last, if it succeeded. */
  result?: Result;
  /** The error that the method threw, rejected or failed with. */
  error?: unknown;
}

/** When a method's event is emitted. */
export type EmitOn = 'success' | 'error' | 'settled';

/** A context to enter before a method runs. */
export interface ContextStep {
  readonly context: string | ContextType;
  readonly values: object | ((call: MethodCall<never, never>) => object);
  readonly tracker: string | undefined;
}

/** An event to emit after a method has run. */
export interface EmitStep {
  readonly event: string | EventType;
  readonly data: object | ((call: MethodCall<never, never>) => object) | undefined;
  readonly on: EmitOn;
  readonly tracker: string | undefined;
}

type Outcome = Pick<MethodCall, 'result' | 'error'>;

/** The decorators of a method, combined. */
export interface MethodPlan {
  readonly original: Function;
  readonly decorators: readonly string[];
  /** Outermost first. */
  readonly contexts: readonly ContextStep[];
  /** Innermost first. */
  readonly emits: readonly EmitStep[];
}

const plans = new WeakMap<Function, MethodPlan>();

/** Returns the plan of a method if it is decorated. */
export function planOf(method: unknown): MethodPlan | undefined {
  return typeof method === 'function' ? plans.get(method) : undefined;
}

/**
 * Adds a step to a method's plan and returns the descriptor of its wrapper.
 *
 * @remarks
 * All decorators of a method share one wrapper, so that its events carry its contexts in any order
 * of the decorators. The wrapper has the method's name, length and metadata.
 * @throws {@link ImproperlyConfigured} if the target is not an instance method
 */
export function decorateMethod(
  decorator: string,
  prototype: object,
  key: string | symbol,
  descriptor: PropertyDescriptor | undefined,
  step: { context: ContextStep } | { emit: EmitStep },
): PropertyDescriptor {
  const method: unknown = descriptor?.value;
  if (typeof method !== 'function' || typeof prototype === 'function') {
    throw new ImproperlyConfigured(
      `${decorator} can only decorate instance methods; ${describePlace(prototype, key, descriptor)}.`,
    );
  }
  const { original, decorators, contexts, emits } = plans.get(method) ?? {
    original: method,
    decorators: [],
    contexts: [],
    emits: [],
  };
  const plan: MethodPlan = {
    original,
    decorators: [...decorators, decorator],
    contexts: 'context' in step ? [step.context, ...contexts] : contexts,
    emits: 'emit' in step ? [...emits, step.emit] : emits,
  };
  declareHost(prototype);
  const wrapper = wrap(plan, key);
  copyFunctionMetadata(wrapper, method);
  plans.set(wrapper, plan);
  return {
    configurable: true,
    writable: true,
    enumerable: descriptor?.enumerable ?? false,
    value: wrapper,
  };
}

function describePlace(
  prototype: object,
  key: string | symbol | undefined,
  descriptor: PropertyDescriptor | undefined,
): string {
  const owner = nameOfClass(prototype);
  if (key === undefined) return `${owner} is a class`;
  const place = `${String(key)} of ${owner}`;
  if (typeof prototype === 'function') return `${place} is static`;
  if (descriptor === undefined) return `${place} is a property`;
  return `${place} is ${describeValue(descriptor.value)}`;
}

function wrap(plan: MethodPlan, key: string | symbol): Function {
  return function (this: object, ...args: unknown[]): unknown {
    const application = applicationOf(this);
    if (application === undefined) {
      warnHomeless(this, key, plan);
    } else if (application.enabled) {
      return new DecoratedCall(application, plan, this, key, args).run();
    }
    return Reflect.apply(plan.original, this, args);
  };
}

/** A context with the values that were made for a call. */
interface MadeContext {
  readonly step: ContextStep;
  readonly values: object;
}

const NO_CONTEXTS: readonly MadeContext[] = [];

/** One call of a decorated method. */
class DecoratedCall {
  readonly #call: MethodCall;
  readonly #contexts: readonly MadeContext[];

  constructor(
    private readonly application: EventTrackingApplication,
    private readonly plan: MethodPlan,
    private readonly instance: object,
    private readonly key: string | symbol,
    private readonly args: unknown[],
  ) {
    const executionContext = claimDispatchedCall(application.locator.get(), instance, key);
    // A copy: a factory that changes the array must not change the method's arguments.
    const shown = plan.contexts.length === 0 ? args : [...args];
    this.#call =
      executionContext === undefined
        ? { args: shown, instance }
        : { args: shown, instance, executionContext };
    let contexts = NO_CONTEXTS;
    for (const step of plan.contexts) {
      const values = this.#made('the context', step.context, step.values, this.#call);
      if (values !== undefined) contexts = [...contexts, { step, values }];
    }
    this.#contexts = contexts;
  }

  run(): unknown {
    return this.#within(() => this.#callMethod());
  }

  #callMethod(): unknown {
    let result: unknown;
    try {
      result = Reflect.apply(this.plan.original, this.instance, this.args);
    } catch (error) {
      this.#settle({ error });
      throw error;
    }
    if (isOfRxjs(result)) return this.#observe(result);
    if (this.plan.emits.length === 0) return result;
    // Only native promises are awaited: calling `then` on a lazy query would run it.
    if (types.isPromise(result)) return this.#await(result);
    this.#settle({ result });
    return result;
  }

  #await(promise: Promise<unknown>): Promise<unknown> {
    return promise.then(
      (result) => {
        this.#settle({ result });
        return result;
      },
      (error: unknown) => {
        this.#settle({ error });
        throw error;
      },
    );
  }

  /** Emits once for each subscription; the result of an Observable is its last value. */
  #observe(source: Observable<unknown>): Observable<unknown> {
    const open: Run = (fn) => this.#within(fn);
    const { locator } = this.application;
    if (this.plan.emits.length === 0) return subscribeWithin(locator, open, () => source);
    return subscribeWithin(
      locator,
      open,
      () => source,
      () => {
        let result: unknown;
        return {
          next: (value) => (result = value),
          error: (error) => this.#settle({ error }),
          complete: () => this.#settle({ result }),
          unsubscribe: () => this.#settle({}),
        };
      },
    );
  }

  /** Runs a function inside the method's contexts. */
  #within<R>(fn: () => R): R {
    if (this.#contexts.length === 0) return fn();
    const { locator } = this.application;
    const scope = new ContextStack('handler', locator.get());
    for (const { step, values } of this.#contexts) this.#enter(scope, step, values);
    return locator.run(scope, fn);
  }

  #enter(scope: ContextStack, { context, tracker }: ContextStep, values: object): void {
    try {
      this.application.enter(scope, context, values, tracker);
    } catch (fault) {
      this.#report(`the context '${nameOfType(context)}'`, fault);
    }
  }

  /** Emits the due events; an outcome without result and error means an early unsubscription. */
  #settle(outcome: Outcome): void {
    for (const step of this.plan.emits) {
      if (!isDue(step.on, outcome)) continue;
      const data = this.#dataOf(step, outcome);
      const tracker = this.application.tracker(step.tracker ?? DEFAULT_TRACKER);
      if (tracker === undefined) {
        const what = `the event '${nameOfType(step.event)}'`;
        this.#report(what, `there is no tracker '${step.tracker}'`);
      } else {
        tracker.emit(step.event as string, data ?? {});
      }
    }
  }

  #dataOf({ event, data }: EmitStep, outcome: Outcome): object | undefined {
    if (data === undefined) return {};
    const call = { ...this.#call };
    if ('result' in outcome) call.result = outcome.result;
    if ('error' in outcome) call.error = outcome.error;
    return this.#made('the data of', event, data, call);
  }

  /** Evaluates a factory; reports its failure and returns undefined. */
  #made(
    what: string,
    of: string | EventType | ContextType,
    source: object | ((call: MethodCall<never, never>) => object),
    call: MethodCall,
  ): object | undefined {
    try {
      const made: unknown =
        typeof source === 'function' ? (source as (call: MethodCall) => unknown)(call) : source;
      if (types.isPromise(made)) {
        made.catch(() => {});
        throw new TypeError(
          'its factory returned a promise; it must return an object synchronously',
        );
      }
      if (!isPlainObject(made))
        throw new TypeError(`its factory must return an object; received ${describeValue(made)}`);
      return made;
    } catch (fault) {
      this.#report(`${what} '${nameOfType(of)}'`, fault);
      return undefined;
    }
  }

  #report(what: string, fault: unknown): void {
    const method = `${nameOfClass(this.instance)}.${String(this.key)}`;
    this.application.diagnostics.error(
      `${what} of ${method}`,
      `${what[0]!.toUpperCase()}${what.slice(1)} of ${method} could not be created: ` +
        `${describeError(fault)}. The method is not affected.`,
    );
  }
}

/** Whether a value is an Observable; false for proxies that throw for unknown keys. */
function isOfRxjs(result: unknown): result is Observable<unknown> {
  try {
    return isObservable(result);
  } catch {
    return false;
  }
}

function isDue(on: EmitOn, outcome: object): boolean {
  if (on === 'settled') return true;
  return on === 'error' ? 'error' in outcome : 'result' in outcome;
}

const warned = new WeakSet<object>();

function warnHomeless(instance: unknown, key: string | symbol, plan: MethodPlan): void {
  const kind = prototypeOf(instance) ?? plan;
  if (warned.has(kind)) return;
  warned.add(kind);
  const name = nameOfClass(instance);
  new Logger('EventTracking').warn(
    `${plan.decorators.join(' and ')} of ${name}.${String(key)} did nothing: this ${name} is not ` +
      `bound to an application. Possible causes: EventTrackingModule.forRoot() is not imported; Nest ` +
      `did not create the object (new ${name}(…)); or the constructor called the method. The method ` +
      `itself ran.`,
  );
}

function prototypeOf(instance: unknown): object | null {
  try {
    return typeof instance === 'object' && instance !== null
      ? (Object.getPrototypeOf(instance) as object | null)
      : null;
  } catch {
    return null;
  }
}

function nameOfClass(instanceOrPrototype: unknown): string {
  try {
    if (typeof instanceOrPrototype === 'function') return instanceOrPrototype.name;
    return (instanceOrPrototype as object).constructor.name;
  } catch {
    return 'object';
  }
}
