import type { FactoryProvider, InjectionToken, Type } from '@nestjs/common';
import type { Backend } from '../../core/tree/backend.js';
import type { ContextLocator } from '../../core/context/context-locator.js';
import type { EventQueue } from '../../core/tree/event-queue.js';
import type { DeliveryOptions } from '../../delivery/delivery-options.js';
import type { FilterObject, Processor, ProcessorObject } from '../../core/tree/processor.js';

/** A class that Nest's injector instantiates. */
export interface ClassDefinition<T> {
  useClass: Type<T>;
}

/** A factory function, called with dependencies from Nest's injector. */
export interface FactoryDefinition<T> {
  // The type system cannot derive the arguments from `inject`.
  // oxlint-disable-next-line typescript/no-explicit-any
  useFactory: (...dependencies: any[]) => T | Promise<T>;
  inject?: FactoryProvider['inject'];
}

/** An alias of an existing provider. */
export interface ExistingDefinition {
  useExisting: InjectionToken;
}

/** An existing object. */
export interface ValueDefinition<T> {
  useValue: T;
}

/** Any of Nest's forms of custom provider. */
export type Definition<T> =
  ClassDefinition<T> | FactoryDefinition<T> | ExistingDefinition | ValueDefinition<T>;

/** A node of the tree, with processors and children of its own. */
export interface RoutingDefinition {
  /**
   * Buffers events for the children, so that `emit` does not run them.
   *
   * @remarks
   * The node's own processors run inside `emit`, before the queue. The children, and their
   * processors, run behind it.
   * @default none: `emit` calls the children directly
   */
  queue?: EventQueueDefinition;
  /**
   * The processors that each event passes before it reaches the children.
   *
   * @default none
   */
  processors?: readonly ProcessorDefinition[];
  /** The children by name; a name must not contain dots. */
  backends: BackendDefinitions;
}

/** A destination: an instance, a class, or a definition that can also configure its delivery. */
export type DestinationDefinition =
  Backend | Type<Backend> | (Definition<Backend> & { delivery?: DeliveryDefinition | false });

/** How events are delivered to a destination. */
export interface DeliveryDefinition extends Omit<DeliveryOptions, 'deadLetter'> {
  /**
   * Receives events that could not be delivered, each with the reason as `dead_letter`.
   *
   * @default none: such events are dropped, counted and logged
   */
  deadLetter?: DestinationDefinition;
}

/**
 * A backend: a destination, or a node with backends of its own.
 *
 * @remarks
 * A destination with `sendBatch` receives batches, with the defaults of {@link DeliveryDefinition};
 * `delivery` changes the defaults, and `delivery: false` makes `emit` call `send` for each event.
 * For a destination without `sendBatch`, `emit` calls `send` directly unless `delivery` is given.
 */
export type BackendDefinition = DestinationDefinition | RoutingDefinition;

/** Backends by name: an object or a Map. */
export type BackendDefinitions =
  Readonly<Record<string, BackendDefinition>> | ReadonlyMap<string, BackendDefinition>;

/** A processor: a function, an instance, a class or a definition. */
export type ProcessorDefinition =
  Processor | Type<ProcessorObject | FilterObject> | Definition<Processor>;

/** An event queue: an instance, a class or a definition. */
export type EventQueueDefinition = EventQueue | Type<EventQueue> | Definition<EventQueue>;

/** A context locator: an instance, a class or a definition. */
export type ContextLocatorDefinition =
  ContextLocator | Type<ContextLocator> | Definition<ContextLocator>;
