export type { EventStats } from './core/tree/event-stats.js';
export type { DropReason } from './core/diagnostics/drop-reason.js';
export type { Backend, Backends, Deadline, Outcome } from './core/tree/backend.js';
export type { ContextLocator } from './core/context/context-locator.js';
export {
  ContextStack,
  type ContextScope,
  type EnteredContext,
} from './core/context/context-stack.js';
export { DefaultContextLocator } from './core/context/default-context-locator.js';
export type { DiagnosticLogger } from './core/diagnostics/diagnostics.js';
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
} from './core/diagnostics/errors.js';
export type { EventContext, EventData, TrackingEvent } from './core/event/event.js';
export {
  defineContext,
  defineEvent,
  type ContextType,
  type ContextValuesOf,
  type EventDataOf,
  type EventType,
  type EventTypeOptions,
} from './core/event-types/event-type.js';
export type { TransactionMode } from './core/event-types/transaction-mode.js';
export type { TypeOptions } from './core/event-types/read-type-options.js';
export type { EventsOf } from './core/event-types/event-map.js';
export type { DataOf, FieldDescription, Fields, FieldTypes } from './core/event-types/field.js';
export type { FieldRecord, MetadataRecord } from './core/event-types/metadata-record.js';
export type {
  InputOf,
  JsonSchema,
  SchemaIssue,
  SchemaResult,
  StandardSchema,
} from './core/event-types/standard-schema.js';
export type { Violation, ViolationKind } from './core/diagnostics/violation.js';
export type {
  ConsumeOptions,
  EventQueue,
  QueuedEvent,
  EventQueueProducer,
  EventQueueConsumer,
  UnacknowledgedEvent,
} from './core/tree/event-queue.js';
export type {
  FilterObject,
  Processor,
  ProcessorFunction,
  ProcessorObject,
} from './core/tree/processor.js';
export { emit, getTracker, registerTracker } from './core/tracker/registry.js';
export { RoutingBackend, type RoutingBackendOptions } from './core/tree/routing-backend.js';
export { parseEvent, parseTimestamp, serializeEvent } from './core/event/serialize-event.js';
export { Tracker } from './core/tracker/tracker.js';
export type { PersistedOptions } from './core/tracker/persisted-options.js';
export type { UnpersistedEvents } from './core/diagnostics/unpersisted-events.js';
export type { TrackerStats } from './core/tracker/tracker-stats.js';
export type { TrackerOptions } from './core/tracker/tracker-options.js';
export {
  LoggerBackend,
  type LoggerBackendOptions,
  type LoggerLevel,
} from './backends/logger-backend.js';
export { MemoryBackend, type MemoryBackendOptions } from './backends/memory-backend.js';
export {
  AsyncRoutingBackend,
  type AsyncRoutingBackendOptions,
} from './delivery/async-routing-backend.js';
export {
  isDeadLetter,
  type DeadLetter,
  type DeadLetterNote,
  type DeadLetterStore,
} from './delivery/dead-letter.js';
export {
  Redelivery,
  type FailedRedelivery,
  type RedeliveryOptions,
} from './delivery/redelivery.js';
export { DeliveringBackend } from './delivery/delivering-backend.js';
export type { DeliveryOptions, OverflowPolicy, RetryOptions } from './delivery/delivery-options.js';
export { MemoryEventQueue, type MemoryEventQueueOptions } from './delivery/memory-event-queue.js';
export { observeStats, type ObserveStatsOptions } from './delivery/observe-stats.js';
export { NameAllowlist } from './processors/name-allowlist.js';
export { RegexFilter, type RegexFilterOptions } from './processors/regex-filter.js';
export { ClsContextLocator } from './nest/request/cls-context-locator.js';
export { withContext, withoutContext } from './nest/request/with-context.js';
export type { MethodCall } from './nest/decorators/method-call.js';
export type { EmitOn } from './nest/decorators/method-plan.js';
export type {
  BackendDefinition,
  BackendDefinitions,
  ContextLocatorDefinition,
  Definition,
  DeliveryDefinition,
  DestinationDefinition,
  EventQueueDefinition,
  ProcessorDefinition,
  RoutingDefinition,
} from './nest/config/definitions.js';
export { EmitEvent, type EmitEventOptions } from './nest/decorators/emit-event.decorator.js';
export { EventTrackingModule } from './nest/module/event-tracking.module.js';
export type {
  EventTrackingModuleAsyncOptions,
  EventTrackingModuleOptions,
  EventTrackingOptions,
  EventTrackingOptionsFactory,
  RequestContextFactory,
  RequestContextOptions,
  TrackerTreeOptions,
} from './nest/config/event-tracking-options.js';
export { InjectBackend, InjectTracker } from './nest/decorators/inject.decorators.js';
export { getBackendToken, getTrackerToken } from './nest/tokens.js';
export {
  TrackContext,
  type ContextValues,
  type TrackContextOptions,
} from './nest/decorators/track-context.decorator.js';
export {
  TrackContextInterceptor,
  type InterceptedContextValues,
} from './nest/decorators/track-context.interceptor.js';
export { createEventTrackingWorker } from './nest/module/worker-bootstrap.js';
