import type { ExecutionContext } from '@nestjs/common';
import type { ContextStack } from '../core/context-stack.js';

interface Dispatch {
  readonly executionContext: ExecutionContext;
  taken: boolean;
}

const dispatches = new WeakMap<ContextStack, Dispatch>();

/** Notes that Nest is about to call a handler in this scope. */
export function announceDispatch(scope: ContextStack, executionContext: ExecutionContext): void {
  dispatches.set(scope, { executionContext, taken: false });
}

/**
 * Finds the execution context of a call, if it is the one that Nest announced and not one that code makes.
 *
 * @remarks Nest calls a handler once, so the announcement is taken by the first call that fits it.
 */
export function takeDispatch(
  scope: ContextStack,
  instance: object,
  method: string | symbol,
): ExecutionContext | undefined {
  for (let stack: ContextStack | undefined = scope; stack !== undefined; stack = stack.outer) {
    const dispatch = dispatches.get(stack);
    if (dispatch === undefined || dispatch.taken) continue;
    const { executionContext } = dispatch;
    if (
      executionContext.getHandler().name === String(method) &&
      instance instanceof executionContext.getClass()
    ) {
      dispatch.taken = true;
      return executionContext;
    }
  }
  return undefined;
}
