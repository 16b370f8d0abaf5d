import { types } from 'node:util';
import type { Observable } from 'rxjs';
import type { ContextStack } from '../../core/context/context-stack.js';
import { runOutsideTransactions } from '../../core/context/running-transaction.js';
import { describeError, describeValue } from '../../core/diagnostics/describe.js';
import { isPlainObject } from '../../core/event/event.js';
import { nameOfType, type ContextType, type EventType } from '../../core/event-types/event-type.js';
import type { EventTrackingApplication } from '../module/application.js';
import { claimDispatchedCall } from '../request/request-scope.js';
import { DEFAULT_TRACKER } from '../tokens.js';
import type { CallFactory, CallOutcome, MethodCall } from './method-call.js';
import type { ContextStep, EmitOn, EmitStep, MethodPlan } from './method-plan.js';
import { nameOfClass } from './name-of-class.js';
import { pendingResult, type AnyGenerator, type Thenable } from './result-kind.js';
import { subscribeWithin, type Run } from './subscribe-within.js';
import { trackGenerator } from './track-generator.js';
import { trackThenable } from './track-thenable.js';

interface MadeContext {
  readonly step: ContextStep;
  readonly values: object;
}

const NO_CONTEXTS: readonly MadeContext[] = [];

/** Results that a plan already follows: a call that returns one again does not start it again. */
const followed = new WeakMap<object, WeakSet<MethodPlan>>();

const runDirectly: Run = (fn) => fn();

export class DecoratedCall {
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

  /** Calls the method inside its contexts. */
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
    return this.#follow(result);
  }

  /** Emits when the work behind a result has ended, and runs that work inside the contexts. */
  #follow(result: unknown): unknown {
    const pending = pendingResult(result);
    switch (pending?.kind) {
      case 'observable':
        return this.#observe(pending.value);
      case 'promise':
        return this.#await(pending.value);
      case 'generator':
      case 'thenable':
        this.#followLater(pending.value);
        return result;
      default:
        this.#settle({ result });
        return result;
    }
  }

  #await(promise: Promise<unknown>): Promise<unknown> {
    return promise.then(
      (result) => this.#follow(result),
      (error: unknown) => {
        this.#settle({ error });
        throw error;
      },
    );
  }

  #followLater(value: AnyGenerator | Thenable): void {
    const plans = followed.get(value) ?? new WeakSet();
    if (plans.has(this.plan)) return;
    followed.set(value, plans.add(this.plan));
    const run = this.#contexts.length === 0 ? runDirectly : this.#capture();
    const settle = (outcome: CallOutcome): void => this.#settle(outcome);
    const isFollowed =
      'then' in value
        ? trackThenable(value, run, () => this.#capture(), settle)
        : trackGenerator(value, run, settle);
    if (!isFollowed) {
      const method = this.#method;
      this.application.diagnostics.error(
        `the result of ${method}`,
        `${method} returned an object that cannot be changed, so the end of its work cannot be ` +
          `observed and its events are not emitted. Return it without Object.freeze.`,
      );
    }
  }

  /** Returns a function that runs others in the scope of the running code. */
  #capture(): Run {
    const { locator } = this.application;
    const scope = locator.get();
    return (fn) => locator.run(scope, fn);
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
    return locator.run('handler', () => {
      const scope = locator.get();
      for (const { step, values } of this.#contexts) this.#enter(scope, step, values);
      return fn();
    });
  }

  #enter(scope: ContextStack, { context, tracker }: ContextStep, values: object): void {
    try {
      this.application.enter(scope, context, values, tracker);
    } catch (fault) {
      this.#report(`the context '${nameOfType(context)}'`, fault);
    }
  }

  /** Emits the due events. */
  #settle(outcome: CallOutcome): void {
    for (const step of this.plan.emits) {
      if (!isDue(step.on, outcome)) continue;
      const data = this.#dataOf(step, outcome);
      const tracker = this.application.injectedTracker(step.tracker ?? DEFAULT_TRACKER);
      try {
        if (tracker === undefined) throw new TypeError(`there is no tracker '${step.tracker}'`);
        const emit = (): void => tracker.emit(step.event as string, data ?? {});
        // The rollback that an error causes would drop the event that tells of it.
        const mode = step.transaction ?? ('error' in outcome ? 'always' : undefined);
        if (mode === 'always') runOutsideTransactions(emit);
        else emit();
      } catch (fault) {
        this.#report(`the event '${nameOfType(step.event)}'`, fault);
      }
    }
  }

  #dataOf({ event, data }: EmitStep, outcome: CallOutcome): object | undefined {
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
    source: object | CallFactory,
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

  get #method(): string {
    return `${nameOfClass(this.instance)}.${String(this.key)}`;
  }

  #report(what: string, fault: unknown): void {
    const method = this.#method;
    this.application.diagnostics.error(
      `${what} of ${method}`,
      `${what[0]!.toUpperCase()}${what.slice(1)} of ${method} could not be created: ` +
        `${describeError(fault)}. The method is not affected.`,
    );
  }
}

function isDue(on: EmitOn, outcome: CallOutcome): boolean {
  if (on === 'settled') return true;
  return on === 'error' ? 'error' in outcome : 'result' in outcome;
}
