import { toJson } from '../event/json.js';
import { copyOf, frozen } from '../event/snapshot.js';
import {
  describeContext,
  isContextType,
  isEventType,
  captureStack,
  type ContextType,
  type DescribedType,
  type EventType,
} from './event-type.js';
import type { Fields } from './field.js';
import { FieldRules } from './field-rules.js';
import { compositeRecord, recordOf, type MetadataRecord } from './metadata-record.js';

/** An event type that a tracker knows. */
export interface RegisteredType {
  readonly type: EventType;
  readonly name: string;
  readonly id: string;
  /** The rules of its fields; undefined if they are not described. */
  readonly rules: FieldRules | undefined;
}

const MAX_DESCRIBED = 1_000;

/** The types of events and contexts that a tracker knows, in every version. */
export class TypeRegister {
  readonly #records = new Map<string, MetadataRecord>();
  readonly #events = new Map<string, RegisteredType>();
  readonly #contexts = new Map<string, ContextType>();
  /** The record that was registered last, by kind and name. */
  readonly #latest = new Map<string, MetadataRecord>();
  /** Those that events were emitted by; a WeakMap would be asked at twice the cost. */
  readonly #emitted = new Map<unknown, RegisteredType>();
  readonly #contextRecords = new WeakMap<ContextType, MetadataRecord>();
  readonly #contextIds = new WeakMap<readonly ContextType[], string>();
  /** The ids of context types that are entered together, by theirs. */
  readonly #composites = new Map<string, string>();
  readonly #described = new Map<string, ContextType>();

  /** @param announce - called with each new record, and the type that it describes */
  constructor(private readonly announce: (record: MetadataRecord, type?: DescribedType) => void) {}

  /** Whether any event type was registered. */
  get hasEvents(): boolean {
    return this.#events.size > 0;
  }

  /** The records of all types in all versions, in the order in which they were last registered. */
  get records(): readonly MetadataRecord[] {
    return [...this.#records.values()];
  }

  register(type: EventType | ContextType): MetadataRecord {
    const record = this.#inOrder(recordOf(type, new Date()));
    const isKnown = this.#records.delete(record.id);
    this.#records.set(record.id, record);
    this.#latest.set(`${type.kind} ${type.name}`, record);
    if (type.kind === 'event') this.#events.set(type.name, registeredAs(type, record));
    else this.#contexts.set(type.name, type);
    if (!isKnown) this.announce(record, type);
    return record;
  }

  event(name: string): RegisteredType | undefined {
    return this.#events.get(name);
  }

  /** The type that an event is emitted by, if it is one; registered where it is not yet. */
  of(type: unknown): RegisteredType | undefined {
    const registered = this.#emitted.get(type);
    if (registered !== undefined) return registered;
    return isEventType(type) ? this.#takeIn(type) : undefined;
  }

  contextOf(name: string | ContextType | undefined): ContextType | undefined {
    if (isContextType(name)) return name;
    return name === undefined ? undefined : this.#contexts.get(name);
  }

  /**
   * The type of a context that is described where it is entered: the same again for the same words.
   *
   * @param enter - the function whose callers enter it
   */
  described(
    name: string,
    description: string,
    fields: Fields,
    // oxlint-disable-next-line typescript/no-unsafe-function-type
    enter: Function,
  ): ContextType {
    const words = toJson(copyOf([name, description, fields]));
    let type = this.#described.get(words);
    if (type === undefined) {
      type = describeContext(name, { description, fields }, captureStack(enter));
      if (this.#described.size >= MAX_DESCRIBED) this.#described.clear();
      this.#described.set(words, type);
    }
    return type;
  }

  /**
   * The id of contexts that are entered together, whose records are known from now on.
   *
   * @param types - the same list for the same contexts, as far as that is known: it is asked again for every event
   */
  contextId(types: readonly ContextType[]): string {
    let id = this.#contextIds.get(types);
    if (id === undefined) {
      id = this.#identify(types);
      this.#contextIds.set(types, id);
    }
    return id;
  }

  /** Moves the timestamp of a new version behind that of the previous one in the same millisecond. */
  #inOrder(record: MetadataRecord): MetadataRecord {
    const before = this.#latest.get(`${record.kind} ${record.name}`);
    if (before === undefined || before.id === record.id || before.timestamp < record.timestamp) {
      return record;
    }
    return frozen({ ...record, timestamp: new Date(before.timestamp.getTime() + 1) });
  }

  #identify(types: readonly ContextType[]): string {
    const parts = new Map(
      types.map((type) => this.#contextRecord(type)).map((each) => [each.id, each]),
    );
    const ids = [...parts.keys()].sort();
    if (ids.length === 1) return ids[0]!;
    const together = ids.join();
    let id = this.#composites.get(together);
    if (id === undefined) {
      const record = compositeRecord(
        ids.map((each) => parts.get(each)!),
        new Date(),
      );
      id = record.id;
      this.#composites.set(together, id);
      this.#add(record);
    }
    return id;
  }

  #contextRecord(type: ContextType): MetadataRecord {
    let record = this.#contextRecords.get(type);
    if (record === undefined) {
      record = recordOf(type, new Date());
      this.#contextRecords.set(type, record);
      if (!this.#records.has(record.id)) this.#add(record, type);
    }
    return record;
  }

  #takeIn(type: EventType): RegisteredType {
    const record = recordOf(type, new Date());
    if (!this.#records.has(record.id)) this.#add(record, type);
    const registered = registeredAs(type, record);
    this.#emitted.set(type, registered);
    // Who emits by name goes on with the type that was registered by hand.
    if (!this.#events.has(type.name)) this.#events.set(type.name, registered);
    return registered;
  }

  #add(record: MetadataRecord, type?: DescribedType): void {
    this.#records.set(record.id, record);
    this.announce(record, type);
  }
}

function registeredAs(type: EventType, { id }: MetadataRecord): RegisteredType {
  const rules = type.fields === undefined ? undefined : new FieldRules(type.fields, type.isOpen);
  return { type, name: type.name, id, rules };
}
