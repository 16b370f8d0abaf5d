import type { ContextType, EventType } from '../../core/event-types/event-type.js';
import type { TransactionMode } from '../../core/event-types/transaction-mode.js';
import type { CallFactory } from './method-call.js';

/** When a method's event is emitted. */
export type EmitOn = 'success' | 'error' | 'settled';

/** A context to enter before a method runs. */
export interface ContextStep {
  readonly context: string | ContextType;
  readonly values: object | CallFactory;
  readonly tracker: string | undefined;
}

/** An event to emit after a method has run. */
export interface EmitStep {
  readonly event: string | EventType;
  readonly data: object | CallFactory | undefined;
  readonly on: EmitOn;
  readonly transaction: TransactionMode | undefined;
  readonly tracker: string | undefined;
}

/** The decorators of a method, combined. */
export interface MethodPlan {
  readonly original: Function;
  readonly decorators: readonly string[];
  /** Outermost first. */
  readonly contexts: readonly ContextStep[];
  /** Innermost first. */
  readonly emits: readonly EmitStep[];
}
