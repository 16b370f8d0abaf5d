export { backendContract } from './backend-contract.js';
export type {
  BackendContractSubject,
  ContractCase,
  ContractOutage,
} from './backend-contract-subject.js';
export type { EventMatcherResult } from './event-matcher-result.js';
export {
  eventMatchers,
  type EventMatcherContext,
  type EventMatchers,
  type ToHaveEmittedOptions,
} from './event-matchers.js';
export {
  EventTrackingTestingModule,
  getRecordingToken,
  type EventTrackingTestingOptions,
} from './event-tracking-testing.module.js';
export { RecordingBackend, type WhenRecordedOptions } from './recording-backend.js';
export type { ViolationMatchers } from './violation-matchers.js';
