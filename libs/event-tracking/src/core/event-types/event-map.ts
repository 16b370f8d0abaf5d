import type { EventDataOf, EventType } from './event-type.js';

/**
 * The data of an application's events by name, made of its event types: of a list, or of a module that exports them.
 *
 * @example
 * ```ts
 * import * as events from './course.events.js';
 *
 * type AppEvents = EventsOf<typeof events>;
 *
 * constructor(private readonly tracker: Tracker<AppEvents>) {}
 * ```
 */
export type EventsOf<Types> = EventsByName<
  Extract<Types extends readonly (infer Each)[] ? Each : Types[keyof Types], EventType>
>;

type EventsByName<Types extends EventType> = { [T in Types as T['name']]: EventDataOf<T> };

/** The names that a tracker accepts: those of its events, or any if its events are not declared. */
export type NameOf<Events extends object> = object extends Events ? string : keyof Events & string;

/** The data of a tracker's events of a name. */
export type DataNamed<Events extends object, Name> = Name extends keyof Events
  ? Events[Name]
  : object;

/** The event types that a tracker takes. */
export type TypeOf<Events extends object, T extends EventType> =
  T['name'] extends NameOf<Events> ? T : never;

/** The argument that holds the data; may be left out where no field is required. */
export type DataArgument<Data> =
  Record<never, never> extends Data ? [data?: Data | undefined] : [data: Data];
