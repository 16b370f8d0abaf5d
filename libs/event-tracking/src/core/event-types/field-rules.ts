import { isPlainObject, type EventData } from '../event/event.js';
import type { FieldDescription, FieldTypes } from './field.js';

/** A field's type as a number: those are looked up and compared fastest. */
const ANY = 0;
const STRING = 1;
const NUMBER = 2;
const INTEGER = 3;
const BOOLEAN = 4;
const DATE = 5;
const ARRAY = 6;
const OBJECT = 7;
const KINDS: Readonly<Record<keyof FieldTypes, number>> = {
  string: STRING,
  number: NUMBER,
  integer: INTEGER,
  boolean: BOOLEAN,
  date: DATE,
  array: ARRAY,
  object: OBJECT,
};

interface FieldRule {
  readonly name: string;
  readonly kind: number;
  readonly isRequired: boolean;
}

export class FieldRules {
  readonly #rules: readonly FieldRule[];
  readonly #byName: ReadonlyMap<string, FieldRule>;
  readonly #required: number;

  /** @param isOpen - whether there may be others */
  constructor(
    private readonly fields: Readonly<Record<string, FieldDescription>>,
    private readonly isOpen: boolean,
  ) {
    this.#rules = Object.entries(fields).map(([name, { type, optional }]) => ({
      name,
      kind: type === undefined ? ANY : KINDS[type],
      isRequired: optional !== true,
    }));
    this.#byName = new Map(this.#rules.map((rule) => [rule.name, rule]));
    this.#required = this.#rules.filter(({ isRequired }) => isRequired).length;
  }

  /** Whether the data conform; a fast path for valid data with keys in the order of declaration. */
  areKeptBy(data: EventData): boolean {
    const rules = this.#rules;
    let index = 0;
    let required = 0;
    for (const key in data) {
      let rule = rules[index++];
      if (rule?.name !== key) rule = this.#byName.get(key);
      if (rule === undefined) {
        if (!this.isOpen) return false;
      } else {
        if (!isOfKind(data[key], rule.kind)) return false;
        if (rule.isRequired) required++;
      }
    }
    return required === this.#required;
  }

  extra(data: EventData): string[] {
    if (this.isOpen) return [];
    return Object.keys(data).filter((key) => !this.#byName.has(key));
  }

  missing(data: EventData): string[] {
    return this.#rules.flatMap(({ name, isRequired }) =>
      isRequired && !Object.hasOwn(data, name) ? [name] : [],
    );
  }

  /** Lists the fields whose values have another type than declared. */
  mistyped(data: EventData): { field: string; type: string }[] {
    return this.#rules.flatMap(({ name, kind }) =>
      !Object.hasOwn(data, name) || isOfKind(data[name], kind)
        ? []
        : [{ field: name, type: this.fields[name]!.type! }],
    );
  }
}

function isOfKind(value: unknown, kind: number): boolean {
  switch (kind) {
    case STRING:
      return typeof value === 'string';
    case NUMBER:
      return typeof value === 'number';
    case INTEGER:
      return Number.isInteger(value);
    case BOOLEAN:
      return typeof value === 'boolean';
    case DATE:
      return value instanceof Date;
    case ARRAY:
      return Array.isArray(value);
    case OBJECT:
      return isPlainObject(value) && !(value instanceof Date);
    default:
      return true;
  }
}
