export type { Account, DropReason } from './account.js';
export type { Backend, Backends, Deadline, Outcome } from './backend.js';
export {
  StorageContextLocator,
  type ContextLocator,
  type ScopeFrame,
  type ScopeStorage,
} from './context-locator.js';
export {
  ContextStack,
  type ContextScope,
  type EnteredContext,
  type EnterOptions,
} from './context-stack.js';
export { DefaultContextLocator } from './default-context-locator.js';
export type { DiagnosticLogger } from './diagnostics.js';
export {
  EventEmissionExit,
  EventTrackingError,
  EventViolationError,
  ImproperlyConfigured,
  InvalidContextError,
  MalformedEventError,
  NoBackendEnabled,
  NoTransformerImplemented,
  PermanentDeliveryError,
  RetryableDeliveryError,
  UnknownBackendError,
  UnknownContextError,
  UnknownTrackerError,
  type EventTrackingErrorOptions,
} from './errors.js';
export type { EventContext, EventData, TrackingEvent } from './event.js';
export {
  defineContext,
  defineEvent,
  type ContextType,
  type ContextValuesOf,
  type EventDataOf,
  type EventType,
  type EventTypeOptions,
  type TypeOptions,
} from './event-types/event-type.js';
export type { EventsOf } from './event-types/event-map.js';
export type { DataOf, FieldDescription, Fields, FieldTypes } from './event-types/field.js';
export type { FieldRecord, MetadataRecord } from './event-types/metadata-record.js';
export type {
  InputOf,
  JsonSchema,
  SchemaIssue,
  SchemaResult,
  StandardSchema,
} from './event-types/standard-schema.js';
export type { Violation, ViolationKind } from './event-types/violations.js';
export type {
  ConsumeOptions,
  EventQueue,
  QueuedEvent,
  QueueEntrance,
  QueueLine,
} from './event-queue.js';
export type {
  FilterObject,
  Processor,
  ProcessorFunction,
  ProcessorObject,
  ProcessorResult,
} from './processor.js';
export { emit, getTracker, registerTracker } from './registry.js';
export { RoutingBackend, type RoutingBackendOptions } from './routing-backend.js';
export { parseEvent, parseTimestamp, serializeEvent } from './serialize-event.js';
export { Tracker, type TrackerAccount } from './tracker.js';
export type { TrackerOptions } from './tracker-options.js';
