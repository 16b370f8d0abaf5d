import type { EventData } from '../event.js';
import type { FieldDescription } from './field.js';

/** What the fields of a type ask of data. */
export class FieldRules {
  readonly #fields: ReadonlyMap<string, FieldDescription>;
  readonly #required: readonly string[];
  readonly #hasTypes: boolean;

  constructor(fields: Readonly<Record<string, FieldDescription>>) {
    this.#fields = new Map(Object.entries(fields));
    this.#required = [...this.#fields].flatMap(([name, { optional }]) => (optional ? [] : [name]));
    this.#hasTypes = [...this.#fields.values()].some(({ type }) => type !== undefined);
  }

  /** Tells whether the data are as the fields say: quickly, because they nearly always are. */
  areKeptBy(data: EventData): boolean {
    let known = 0;
    for (const key in data) {
      const field = this.#fields.get(key);
      if (field === undefined) return false;
      if (field.optional !== true) known++;
      if (this.#hasTypes && !isOfType(data[key], field)) return false;
    }
    return known === this.#required.length;
  }

  extra(data: EventData): string[] {
    return Object.keys(data).filter((key) => !this.#fields.has(key));
  }

  missing(data: EventData): string[] {
    return this.#required.filter((key) => !Object.hasOwn(data, key));
  }

  /** The fields whose values are of another type than was said. */
  mistyped(data: EventData): { field: string; type: string }[] {
    return [...this.#fields].flatMap(([field, description]) =>
      Object.hasOwn(data, field) && !isOfType(data[field], description)
        ? [{ field, type: description.type! }]
        : [],
    );
  }
}

function isOfType(value: unknown, { type, optional }: FieldDescription): boolean {
  switch (type) {
    case undefined:
      return true;
    case 'integer':
      return Number.isInteger(value);
    case 'date':
      return value instanceof Date;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return typeof value === type || (value === undefined && optional === true);
  }
}
