import type { FactoryProvider, InjectionToken, Type } from '@nestjs/common';
import type { Backend } from '../../core/tree/backend.js';
import type { ContextLocator } from '../../core/context/context-locator.js';
import type { EventQueue } from '../../core/tree/event-queue.js';
import type { DeliveryOptions } from '../../delivery/delivery-options.js';
import type { FilterObject, Processor, ProcessorObject } from '../../core/tree/processor.js';

/** Something that Nest's injector creates from a class. */
export interface ClassDefinition<T> {
  useClass: Type<T>;
}

/** Something that a function makes, from what Nest's injector gives it. */
export interface FactoryDefinition<T> {
  // The arguments are what `inject` lists, which types cannot follow.
  // oxlint-disable-next-line typescript/no-explicit-any
  useFactory: (...dependencies: any[]) => T | Promise<T>;
  inject?: FactoryProvider['inject'];
}

/** Something that is a provider already. */
export interface ExistingDefinition {
  useExisting: InjectionToken;
}

/** Something that is there already. */
export interface ValueDefinition<T> {
  useValue: T;
}

/** Something in one of the forms in which Nest describes a provider. */
export type Definition<T> =
  ClassDefinition<T> | FactoryDefinition<T> | ExistingDefinition | ValueDefinition<T>;

/** A node of the tree: its own processors, its own children. */
export interface RoutingDefinition {
  /**
   * Where events wait for the children, which then cost the code that emits nothing: the node's own processors run before
   * it, where the event is emitted, the children's behind it.
   *
   * @default none: the children are called where the event is emitted
   */
  queue?: EventQueueDefinition;
  /**
   * The steps each event takes before the children get it.
   *
   * @default none
   */
  processors?: readonly ProcessorDefinition[];
  /** The children by name; names hold no dot. */
  backends: BackendDefinitions;
}

/** A single destination: an instance, a class or a definition, which may say how events reach it. */
export type DestinationDefinition =
  Backend | Type<Backend> | (Definition<Backend> & { delivery?: DeliveryDefinition | false });

/** How events reach a destination. */
export interface DeliveryDefinition extends Omit<DeliveryOptions, 'deadLetter'> {
  /**
   * Where events go whose delivery was given up, each with the reason as `dead_letter`.
   *
   * @default none: they are dropped, counted and logged
   */
  deadLetter?: DestinationDefinition;
}

/**
 * A backend: a destination, or a node with backends of its own.
 *
 * @remarks
 * A destination that has `sendBatch` is delivered to in batches, with the defaults of {@link DeliveryDefinition}, unless
 * `delivery` says otherwise; `delivery: false` calls its `send` for each event. One without `sendBatch` is called for each
 * event, where it is emitted, unless `delivery` is given.
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
