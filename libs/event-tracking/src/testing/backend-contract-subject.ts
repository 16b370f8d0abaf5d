import type { Backend } from '../core/tree/backend.js';
import type { TrackingEvent } from '../core/event/event.js';

/** How a contract's subject makes its destination unreachable for a while. */
export interface ContractOutage {
  /** Resolves when the destination cannot be reached any more. */
  begin(): Promise<void>;
  /** Resolves when the destination can be reached again. */
  end(): Promise<void>;
}

/** What {@link backendContract} is about: a kind of backend, and how to look behind it. */
export interface BackendContractSubject {
  /**
   * Makes a backend; called once or twice in each case, for backends that live side by side.
   *
   * @remarks The case closes what was made, even where it has failed.
   */
  create(): Promise<Backend> | Backend;
  /**
   * Everything the destination holds, from all backends of the case, parsed back to events, in the order in which it came.
   *
   * @remarks
   * Asked for after `flush`. Events that others left there do no harm. A destination that shows late what it holds waits
   * for itself here.
   */
  stored(): Promise<readonly TrackingEvent[]>;
  /**
   * Makes the destination unreachable for a while.
   *
   * @default no case with an outage is part of the contract
   */
  outage?: ContractOutage;
  /**
   * Called after each case, when its backends are closed.
   *
   * @default nothing
   */
  cleanUp?(): Promise<void>;
  /**
   * Whether events arrive in the order of their sends.
   *
   * @default true
   */
  keepsOrder?: boolean;
  /**
   * Whether an event that is sent twice is stored once.
   *
   * @default true
   */
  storesOnce?: boolean;
  /**
   * Whether the backend keeps the very object it was given, which it owns, as backends in memory do.
   *
   * @default false
   */
  keepsReference?: boolean;
  /**
   * How long a single call to the backend may take, in milliseconds.
   *
   * @default 4,000
   */
  timeout?: number;
}

/** One promise of a contract, as a test. */
export interface ContractCase {
  /** What is promised. */
  readonly name: string;
  /** Rejects with the reason when the promise is broken. */
  run(): Promise<void>;
}
