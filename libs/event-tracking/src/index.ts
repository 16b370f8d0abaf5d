export type { Account, DropReason } from './core/account.js';
export type { Backend, Backends, Deadline, Outcome } from './core/backend.js';
export type { ContextLocator } from './core/context-locator.js';
export { ContextStack, type ContextScope, type EnteredContext } from './core/context-stack.js';
export { DefaultContextLocator } from './core/default-context-locator.js';
export type { DiagnosticLogger } from './core/diagnostics.js';
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
} from './core/errors.js';
export type { EventContext, EventData, TrackingEvent } from './core/event.js';
export {
  defineContext,
  defineEvent,
  type ContextType,
  type ContextValuesOf,
  type EventDataOf,
  type EventType,
  type EventTypeOptions,
  type TypeOptions,
} from './core/event-types/event-type.js';
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
export type { Violation, ViolationKind } from './core/event-types/violations.js';
export type {
  ConsumeOptions,
  EventQueue,
  QueuedEvent,
  QueueEntrance,
  QueueLine,
} from './core/event-queue.js';
export type {
  FilterObject,
  Processor,
  ProcessorFunction,
  ProcessorObject,
} from './core/processor.js';
export { emit, getTracker, registerTracker } from './core/registry.js';
export { RoutingBackend, type RoutingBackendOptions } from './core/routing-backend.js';
export { parseEvent, parseTimestamp, serializeEvent } from './core/serialize-event.js';
export { Tracker, type TrackerAccount } from './core/tracker.js';
export type { TrackerOptions } from './core/tracker-options.js';
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
export { observeAccount, type ObserveAccountOptions } from './delivery/observe-account.js';
export { NameAllowlist } from './processors/name-allowlist.js';
export { RegexFilter, type RegexFilterOptions } from './processors/regex-filter.js';
export { ClsContextLocator } from './nest/cls-context-locator.js';
export type { EmitOn, MethodCall } from './nest/decorated-method.js';
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
} from './nest/definitions.js';
export { EmitEvent, type EmitEventOptions } from './nest/emit-event.decorator.js';
export { EventTrackingModule } from './nest/event-tracking.module.js';
export type {
  EventTrackingModuleAsyncOptions,
  EventTrackingModuleOptions,
  EventTrackingOptions,
  EventTrackingOptionsFactory,
  RequestContextFactory,
  RequestContextOptions,
  TrackerTreeOptions,
} from './nest/event-tracking-options.js';
export { InjectBackend, InjectTracker } from './nest/inject.decorators.js';
export { getBackendToken, getTrackerToken } from './nest/tokens.js';
export {
  TrackContext,
  type ContextValues,
  type TrackContextOptions,
} from './nest/track-context.decorator.js';
export {
  TrackContextInterceptor,
  type InterceptedContextValues,
} from './nest/track-context.interceptor.js';
export { createEventTrackingWorker } from './nest/worker-bootstrap.js';
