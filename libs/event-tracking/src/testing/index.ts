export { backendContract } from './backend-contract.js';
export type {
  BackendContractSubject,
  ContractCase,
  ContractOutage,
} from './backend-contract-subject.js';
export type { EventMatcherContext, EventMatcherResult } from './matcher.js';
export { eventMatchers, type EventMatchers, type ToHaveEmittedOptions } from './event-matchers.js';
export {
  EventTrackingTestingModule,
  getRecordingToken,
  type EventTrackingTestingOptions,
} from './event-tracking-testing.module.js';
export { queueContract } from './queue-contract.js';
export type { QueueContractSubject } from './queue-contract-subject.js';
export { RecordingBackend, type WhenRecordedOptions } from './recording-backend.js';
export type { ViolationMatchers } from './violation-matchers.js';
