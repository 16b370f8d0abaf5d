export type { EventStats } from './tree/event-stats.js';
export type { DropReason } from './diagnostics/drop-reason.js';
export type { Backend, Backends, Deadline, Outcome } from './tree/backend.js';
export { StorageContextLocator, type ContextLocator } from './context/context-locator.js';
export type { ScopeFrame, ScopeStorage } from './context/scope-storage.js';
export {
  ContextStack,
  type ContextScope,
  type EnteredContext,
  type EnterOptions,
} from './context/context-stack.js';
export { DefaultContextLocator } from './context/default-context-locator.js';
export type { DiagnosticLogger } from './diagnostics/diagnostics.js';
export {
  EventEmissionExit,
  EventTrackingError,
  EventViolationError,
  ImproperlyConfigured,
  InvalidContextError,
  MalformedEventError,
  NoBackendEnabled,
  NoTransformerImplemented,
  NotPersistedError,
  PermanentDeliveryError,
  RetryableDeliveryError,
  UnknownBackendError,
  UnknownContextError,
  UnknownTrackerError,
  type EventTrackingErrorOptions,
} from './diagnostics/errors.js';
export type { EventContext, EventData, TrackingEvent } from './event/event.js';
export {
  defineContext,
  defineEvent,
  type ContextType,
  type ContextValuesOf,
  type EventDataOf,
  type EventType,
  type EventTypeOptions,
} from './event-types/event-type.js';
export type { TransactionMode } from './event-types/transaction-mode.js';
export type { TypeOptions } from './event-types/read-type-options.js';
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
export type { Violation, ViolationKind } from './diagnostics/violation.js';
export type {
  ConsumeOptions,
  EventQueue,
  QueuedEvent,
  EventQueueProducer,
  EventQueueConsumer,
} from './tree/event-queue.js';
export type {
  FilterObject,
  Processor,
  ProcessorFunction,
  ProcessorObject,
  ProcessorResult,
} from './tree/processor.js';
export { emit, getTracker, registerTracker } from './tracker/registry.js';
export { RoutingBackend, type RoutingBackendOptions } from './tree/routing-backend.js';
export { parseEvent, parseTimestamp, serializeEvent } from './event/serialize-event.js';
export { Tracker } from './tracker/tracker.js';
export type { PersistedOptions } from './tracker/persisted-options.js';
export type { UnpersistedEvents } from './diagnostics/unpersisted-events.js';
export type { TrackerStats } from './tracker/tracker-stats.js';
export type { TrackerOptions } from './tracker/tracker-options.js';
