import type { EventQueue } from '../core/tree/event-queue.js';
import type { ContractOutage } from './backend-contract-subject.js';

/** Tells {@link queueContract} how to create queues of one kind, and which clauses apply to them. */
export interface QueueContractSubject {
  /**
   * Creates a queue. A case calls it once or several times.
   *
   * @remarks
   * All queues of a case use the same storage, as cooperating processes do: one directory, one Redis.
   * Each case closes its queues, even if it fails.
   */
  create(): Promise<EventQueue> | EventQueue;
  /**
   * Cleans up after each case, once its queues are closed. The next case must find an empty queue.
   *
   * @default nothing
   */
  cleanUp?(): Promise<void>;
  /**
   * Whether processes share the queue, so that a worker may deliver events of another process.
   *
   * @default false
   */
  isShared?: boolean;
  /**
   * Whether events left in a closed queue are delivered by the next queue.
   *
   * @default the value of `isShared`
   */
  isDurable?: boolean;
  /**
   * Whether the events of a node are delivered in the order in which they were sent.
   *
   * @default true
   */
  keepsOrder?: boolean;
  /**
   * Creates a queue in which at most `capacity` events may wait.
   *
   * @default the contract has no case about overflow
   */
  createSmall?(capacity: number): Promise<EventQueue> | EventQueue;
  /**
   * Stops all queues of the case as `kill -9` would: they lose their storage, and work in progress stays
   * unfinished. Queues created later replace them.
   *
   * @default the contract has no case about a crash
   */
  crash?(): Promise<void>;
  /**
   * Makes the storage of the queue unreachable for a while.
   *
   * @default the contract has no cases with an outage
   */
  outage?: ContractOutage;
  /**
   * The longest time that a case waits for anything, in milliseconds.
   *
   * @default 4,000
   */
  timeout?: number;
}
