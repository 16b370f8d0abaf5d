import type { Backend } from '../core/tree/backend.js';
import type { TrackingEvent } from '../core/event/event.js';

/** Makes the destination or queue of a contract unreachable for a while. */
export interface ContractOutage {
  /** Resolves once the destination is unreachable. */
  begin(): Promise<void>;
  /** Resolves once the destination is reachable again. */
  end(): Promise<void>;
}

/** Tells {@link backendContract} how to create backends of one kind and how to read their destination. */
export interface BackendContractSubject {
  /**
   * Creates a backend. A case calls it once, or twice for two backends at the same time.
   *
   * @remarks Each case closes its backends, even if it fails.
   */
  create(): Promise<Backend> | Backend;
  /**
   * Returns all events that the destination holds, parsed, in the order of their arrival.
   *
   * @remarks
   * Called after `flush`. It includes the events of all backends of the case, and may include events of
   * others. If the destination is eventually consistent, wait here until it shows its events.
   */
  stored(): Promise<readonly TrackingEvent[]>;
  /**
   * Makes the destination unreachable for a while.
   *
   * @default the contract has no cases with an outage
   */
  outage?: ContractOutage;
  /**
   * Cleans up after each case, once its backends are closed.
   *
   * @default nothing
   */
  cleanUp?(): Promise<void>;
  /**
   * Whether the destination holds events in the order in which they were sent.
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
   * Whether the backend keeps the event object itself instead of a copy, as in-memory backends do.
   *
   * @default false
   */
  keepsReference?: boolean;
  /**
   * The longest time that a call of the backend may take, in milliseconds.
   *
   * @default 4,000
   */
  timeout?: number;
}

/** One clause of a contract as a test case. */
export interface ContractCase {
  /** The clause as a sentence without a subject, for the title of the test. */
  readonly name: string;
  /** Rejects with an explanation if the clause is violated. */
  run(): Promise<void>;
}
