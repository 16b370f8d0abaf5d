import { Logger } from '@nestjs/common';
import type { MethodPlan } from './method-plan.js';
import { nameOfClass } from './name-of-class.js';

const warned = new WeakSet<object>();

/** Warns, once for each class, that a decorated method ran on an object without an application. */
export function warnUnbound(instance: unknown, key: string | symbol, plan: MethodPlan): void {
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
