import { describeError, quoteName } from '../diagnostics/describe.js';
import type { Diagnostics } from '../diagnostics/diagnostics.js';
import type { ViolationKind } from '../diagnostics/violation.js';
import { EventViolationError } from '../diagnostics/errors.js';
import type { EventData } from '../event/event.js';
import { isThenable } from '../diagnostics/is-thenable.js';
import type { DescribedType } from './event-type.js';
import type { FieldRules } from './field-rules.js';
import type { SchemaIssue, SchemaResult } from './standard-schema.js';
import type { RegisteredType } from './type-register.js';
import { Violations } from './violations.js';

const MAX_LISTED = 10;

/** Compares emitted events with their types and warns of deviations; the events are still delivered. */
export class TypeCheck {
  isStrict = false;
  readonly violations: Violations;
  /** Pending validations. */
  readonly #open = new Set<Promise<void>>();

  constructor(private readonly diagnostics: Diagnostics) {
    this.violations = new Violations(diagnostics);
  }

  /**
   * @param data - as passed
   * @param copied - the copy that is delivered
   */
  compare({ name, type, rules }: RegisteredType, data: unknown, copied: EventData): void {
    if (rules !== undefined && !rules.areKeptBy(copied)) this.#compareFields(name, rules, copied);
    if (type.standard === undefined) return;
    try {
      const answer = type.standard.validate(data ?? copied);
      if (isThenable(answer)) this.#await(name, answer);
      else if (answer.issues !== undefined) this.#reportIssues(name, answer.issues);
    } catch (fault) {
      this.#reportFault(name, fault);
    }
  }

  /** Warns of parts of a schema that no documentation will show. */
  reportUnexpressed({ kind, name, fields, standard, unexpressed }: DescribedType): void {
    if (unexpressed.length === 0) return;
    const isWhole = unexpressed.includes('');
    if (isWhole && fields !== undefined) return;
    const listed = unexpressed.slice(0, MAX_LISTED).map((path) => quoteName(path));
    if (unexpressed.length > MAX_LISTED) listed.push('…');
    this.diagnostics.warn(
      `JSON Schema of the ${kind} type '${name}'`,
      isWhole
        ? `The schema of the ${kind} type '${name}' provides no JSON Schema (${standard?.vendor}), so its fields are not ` +
            `documented. Describe them in fields, or use a library with Standard JSON Schema, such as Zod from 4.2.`
        : `The schema of the ${kind} type '${name}' contains parts that JSON Schema cannot express, so their types are not ` +
            `documented: ${listed.join(', ')}. Describe them in fields, with a type.`,
      { burst: 1 },
    );
  }

  unregistered(name: string): void {
    this.#add(
      'unregistered',
      name,
      `The event '${name}' has no registered type. Define one with defineEvent, and register it with ` +
        `forFeature([…]) or tracker.register(…).`,
    );
  }

  /** @param conversions - the path of each converted value and its result */
  unserialisable(what: 'data' | 'context', name: string, conversions: readonly string[]): void {
    const subject = what === 'data' ? `The data of the event '${name}'` : `The context '${name}'`;
    const became = conversions.join('; ');
    this.#add(
      'unserialisable',
      name,
      `${subject} contains values that JSON cannot represent; they were converted: ${became}.`,
    );
  }

  oversized(name: string, size: number, limit: number): void {
    this.#add(
      'oversized',
      name,
      `The event '${name}' is about ${size} bytes large, more than maxEventSize (${limit}).`,
    );
  }

  /** Resolves when all validations have been answered. */
  async settled(): Promise<void> {
    await Promise.all(this.#open);
  }

  /** @throws {@link EventViolationError} if this is strict and has found violations */
  refuse(): void {
    const violations = this.isStrict ? this.violations.all : [];
    if (violations.length === 0) return;
    const listed = violations.slice(0, MAX_LISTED).map(({ message, count, call_site }) => {
      const times = count === 1 ? '' : ` (${count} times)`;
      return `- ${message}${times}${call_site === '' ? '' : `\n  first emitted at ${call_site}`}`;
    });
    if (violations.length > MAX_LISTED) listed.push(`- and ${violations.length - MAX_LISTED} more`);
    throw new EventViolationError(
      `Events deviated from their types, and the tracker is strict:\n${listed.join('\n')}`,
      { violations },
    );
  }

  #add(kind: ViolationKind, name: string, message: string, place?: Error): void {
    this.violations.add(kind, name, `${message} The event was delivered.`, place);
  }

  #compareFields(name: string, rules: FieldRules, data: EventData): void {
    const extra = rules.extra(data);
    if (extra.length > 0) {
      const fields = extra.map((field) => `'${field}'`).join(', ');
      this.#add(
        'extra-field',
        name,
        `The event '${name}' has ${extra.length === 1 ? 'a field' : 'fields'} that its type does not describe: ${fields}.`,
      );
    }
    const missing = rules.missing(data);
    if (missing.length > 0) {
      const fields = missing.map((field) => `'${field}'`).join(', ');
      this.#add(
        'missing-field',
        name,
        `The event '${name}' lacks ${missing.length === 1 ? 'a field' : 'fields'} that its type describes: ${fields}.`,
      );
    }
    const mistyped = rules.mistyped(data);
    if (mistyped.length > 0) {
      const fields = mistyped.map(({ field, type }) => `'${field}' must be of the type ${type}`);
      this.#add(
        'invalid',
        name,
        `The event '${name}' has ${mistyped.length === 1 ? 'a field' : 'fields'} of another type: ${fields.join(', ')}.`,
      );
    }
  }

  #await(name: string, answer: PromiseLike<SchemaResult>): void {
    // When the answer arrives, the stack no longer shows which code emitted.
    const place = new Error('');
    const open = Promise.resolve(answer)
      .then(({ issues }) => {
        if (issues !== undefined) this.#reportIssues(name, issues, place);
      })
      .catch((fault: unknown) => this.#reportFault(name, fault, place))
      .finally(() => this.#open.delete(open));
    this.#open.add(open);
  }

  #reportIssues(name: string, issues: readonly SchemaIssue[], place?: Error): void {
    const found = issues.slice(0, MAX_LISTED).map(describeIssue).join('; ');
    this.#add(
      'invalid',
      name,
      `The data of the event '${name}' violates its schema: ${found}.`,
      place,
    );
  }

  #reportFault(name: string, fault: unknown, place?: Error): void {
    this.#add(
      'invalid',
      name,
      `The schema of the event '${name}' failed: ${describeError(fault)}.`,
      place,
    );
  }
}

function describeIssue({ message, path = [] }: SchemaIssue): string {
  const where = path.map((key) => String(typeof key === 'object' ? key.key : key)).join('.');
  return `${where === '' ? '' : `${where}: `}${message.replace(/\.$/, '')}`;
}
