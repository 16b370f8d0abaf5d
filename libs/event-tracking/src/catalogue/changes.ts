import type { FieldRecord, MetadataRecord } from '../core/event-types/metadata-record.js';

/** What is different in a version from the one before it. */
export interface Change {
  /** What is different: `field 'plan'`, `description`. */
  readonly subject: string;
  readonly what: 'added' | 'removed' | 'changed';
  /** What it was, and what it is, where that can be said in words. */
  readonly before?: string;
  readonly after?: string;
  /** Whether code that reads such events may have to change: a field is gone, may be missing, or is of another kind. */
  readonly isBreaking: boolean;
}

/** Says what is different in a record from an older one of the same type. */
export function changesBetween(older: MetadataRecord, newer: MetadataRecord): Change[] {
  return [
    ...changed('description', older.description, newer.description),
    ...fieldChanges('field', older.fields, newer.fields),
    ...fieldChanges('context field', older.context_fields ?? [], newer.context_fields ?? []),
    ...contextChanges(older.contexts ?? [], newer.contexts ?? []),
    ...unspokenChange('validation', older.schema, newer.schema),
    ...unspokenChange('example', older.example, newer.example),
  ];
}

function fieldChanges(
  what: string,
  older: readonly FieldRecord[],
  newer: readonly FieldRecord[],
): Change[] {
  const before = new Map(older.map((field) => [field.name, field]));
  const after = new Map(newer.map((field) => [field.name, field]));
  const removed = older.filter(({ name }) => !after.has(name));
  return [
    ...removed.map(({ name }) => ({
      subject: `${what} '${name}'`,
      what: 'removed' as const,
      isBreaking: true,
    })),
    ...newer.flatMap((field): Change[] => {
      const subject = `${what} '${field.name}'`;
      const known = before.get(field.name);
      return known === undefined
        ? [{ subject, what: 'added', isBreaking: false }]
        : fieldDifferences(subject, known, field);
    }),
  ];
}

function fieldDifferences(subject: string, older: FieldRecord, newer: FieldRecord): Change[] {
  return [
    ...changed(`type of ${subject}`, older.type ?? 'any', newer.type ?? 'any', true),
    ...changed(`presence of ${subject}`, presenceOf(older), presenceOf(newer), isOptional(newer)),
    ...changed(`description of ${subject}`, older.description, newer.description),
    ...unspokenChange(`example of ${subject}`, older.example, newer.example),
  ];
}

function contextChanges(older: readonly string[], newer: readonly string[]): Change[] {
  return [
    ...older
      .filter((name) => !newer.includes(name))
      .map((name) => ({
        subject: `context '${name}'`,
        what: 'removed' as const,
        isBreaking: true,
      })),
    ...newer
      .filter((name) => !older.includes(name))
      .map((name) => ({ subject: `context '${name}'`, what: 'added' as const, isBreaking: false })),
  ];
}

function changed(subject: string, before: string, after: string, isBreaking = false): Change[] {
  return before === after ? [] : [{ subject, what: 'changed', before, after, isBreaking }];
}

/** A change of what is too large to be shown in a sentence. */
function unspokenChange(subject: string, before: unknown, after: unknown): Change[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  const what = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed';
  return [{ subject, what, isBreaking: false }];
}

function presenceOf(field: FieldRecord): string {
  return isOptional(field) ? 'optional' : 'required';
}

function isOptional({ optional }: FieldRecord): boolean {
  return optional === true;
}
