import type { EventQueue } from '../core/tree/event-queue.js';
import type { ContractOutage } from './backend-contract-subject.js';

/** What {@link queueContract} is about: a kind of event queue, and what it promises. */
export interface QueueContractSubject {
  /**
   * Makes a queue; called once or several times in each case.
   *
   * @remarks
   * The queues of a case are kept in one place, as by processes that belong together: the same directory, the same Redis.
   * The case closes what was made, even where it has failed.
   */
  create(): Promise<EventQueue> | EventQueue;
  /**
   * Called after each case, when its queues are closed: the next begins with nothing in the queue.
   *
   * @default nothing
   */
  cleanUp?(): Promise<void>;
  /**
   * Whether queues share their work: what is sent to one may be handed over by another, which is a worker.
   *
   * @default false
   */
  isShared?: boolean;
  /**
   * Whether what closing leaves in a queue is handed over by the next one.
   *
   * @default that of `isShared`
   */
  isDurable?: boolean;
  /**
   * Whether a node's events are handed over in the order of their sends.
   *
   * @default true
   */
  keepsOrder?: boolean;
  /**
   * Makes a queue in which so many events may wait at the most.
   *
   * @default no case of overflow is part of the contract
   */
  createSmall?(capacity: number): Promise<EventQueue> | EventQueue;
  /**
   * Ends the queues that were made so far as `kill -9` would: they reach nothing any more, and what they were doing is
   * left as it is. Those made later take up their place.
   *
   * @default no case of a crash is part of the contract
   */
  crash?(): Promise<void>;
  /**
   * Makes what the queue is kept in unreachable for a while.
   *
   * @default no case of an outage is part of the contract
   */
  outage?: ContractOutage;
  /**
   * How long anything that is waited for may take, in milliseconds.
   *
   * @default 4,000
   */
  timeout?: number;
}
