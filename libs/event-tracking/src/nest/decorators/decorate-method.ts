import { describeValue } from '../../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../../core/diagnostics/errors.js';
import { copyFunctionMetadata } from './copy-function-metadata.js';
import { DecoratedCall } from './decorated-call.js';
import type { ContextStep, EmitStep, MethodPlan } from './method-plan.js';
import { nameOfClass } from './name-of-class.js';
import { applicationOf, declareHost } from './owner-application.js';
import { warnUnbound } from './warn-unbound.js';

const plans = new WeakMap<Function, MethodPlan>();

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
      warnUnbound(this, key, plan);
    } else if (application.enabled) {
      return new DecoratedCall(application, plan, this, key, args).run();
    }
    return Reflect.apply(plan.original, this, args);
  };
}
