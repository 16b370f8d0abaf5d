import type { ExecutionContext } from '@nestjs/common';

/** Describes a call of a decorated method to the decorators' factories. */
export interface MethodCall<
  Args extends readonly unknown[] = readonly unknown[],
  Result = unknown,
  Instance = unknown,
> {
  /** The method's own arguments. */
  args: Args;
  /** The object on which the method was called. */
  instance: Instance;
  /** Nest's execution context, if Nest dispatched the call. */
  executionContext?: ExecutionContext;
  /** The value that the method returned, resolved to or emitted last, if it succeeded. */
  result?: Result;
  /** The error that the method threw, rejected or failed with. */
  error?: unknown;
}

/** Makes an object from a call, whatever the types of its arguments. */
export type CallFactory = (call: MethodCall<never, never, never>) => object;

/** How a call ended; neither a result nor an error means that its consumer left early. */
export type CallOutcome = Pick<MethodCall, 'result' | 'error'>;
