import type { EventData } from '../event.js';
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

/** What a field asks of its value. */
interface FieldRule {
  readonly name: string;
  readonly kind: number;
  readonly isRequired: boolean;
}

/** What the fields of a type ask of data. */
export class FieldRules {
  readonly #fields: Readonly<Record<string, FieldDescription>>;
  readonly #rules: readonly FieldRule[];
  /** Whether reading a field of data that lack it gives nothing, and not what all objects inherit. */
  readonly #areTheirOwn: boolean;

  /** @param isOpen - whether there may be others */
  constructor(
    fields: Readonly<Record<string, FieldDescription>>,
    private readonly isOpen: boolean,
  ) {
    this.#fields = fields;
    this.#rules = Object.entries(fields).map(([name, { type, optional }]) => ({
      name,
      kind: type === undefined ? ANY : KINDS[type],
      isRequired: optional !== true,
    }));
    this.#areTheirOwn = this.#rules.every(({ name }) => !(name in Object.prototype));
  }

  /**
   * Tells whether the data are as the fields say: quickly, because they nearly always are. False may be wrong.
   *
   * @param keys - how many keys the data have: to list them would cost as much as all the rest
   */
  areSurelyKeptBy(data: EventData, keys: number): boolean {
    const rules = this.#rules;
    let found = 0;
    for (let index = 0; index < rules.length; index++) {
      const rule = rules[index]!;
      const value = data[rule.name];
      if (value === undefined) {
        if (rule.isRequired) return false;
      } else if (isOfKind(value, rule.kind)) found++;
      else return false;
    }
    return (found === keys || this.isOpen) && this.#areTheirOwn;
  }

  extra(data: EventData): string[] {
    if (this.isOpen) return [];
    return Object.keys(data).filter((key) => !Object.hasOwn(this.#fields, key));
  }

  missing(data: EventData): string[] {
    return this.#rules.flatMap(({ name, isRequired }) =>
      isRequired && !Object.hasOwn(data, name) ? [name] : [],
    );
  }

  /** The fields whose values are of another type than was said. */
  mistyped(data: EventData): { field: string; type: string }[] {
    return this.#rules.flatMap(({ name, kind }) =>
      !Object.hasOwn(data, name) || isOfKind(data[name], kind)
        ? []
        : [{ field: name, type: this.#fields[name]!.type! }],
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
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return true;
  }
}
