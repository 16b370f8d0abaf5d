import type { FieldRecord, MetadataRecord } from '../core/event-types/metadata-record.js';

/** A difference between two versions of a type. */
export interface Change {
  /** The changed part: `field 'plan'`, `description`. */
  readonly subject: string;
  readonly what: 'added' | 'removed' | 'changed';
  /** The old and new values, if they are short texts. */
  readonly before?: string;
  readonly after?: string;
  /**
   * Whether consumers may have to change, because a field is removed, optional or of another type.
   */
  readonly isBreaking: boolean;
}

export function changesBetween(older: MetadataRecord, newer: MetadataRecord): Change[] {
  return [
    ...changed('description', older.description, newer.description),
    ...fieldChanges('field', older.fields, newer.fields),
    ...fieldChanges('context field', older.context_fields ?? [], newer.context_fields ?? []),
    ...contextChanges(older.contexts ?? [], newer.contexts ?? []),
    ...opaqueChange('validation', older.schema, newer.schema),
    ...opaqueChange('example', older.example, newer.example),
  ];
}

function fieldChanges(
  noun: string,
  older: readonly FieldRecord[],
  newer: readonly FieldRecord[],
): Change[] {
  const before = new Map(older.map((field) => [field.name, field]));
  const after = new Map(newer.map((field) => [field.name, field]));
  const removed = older.filter(({ name }) => !after.has(name));
  return [
    ...removed.map(({ name }) => ({
      subject: `${noun} '${name}'`,
      what: 'removed' as const,
      isBreaking: true,
    })),
    ...newer.flatMap((field): Change[] => {
      const subject = `${noun} '${field.name}'`;
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
    ...opaqueChange(`example of ${subject}`, older.example, newer.example),
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

/** Reports a change without its values, which are too large to show. */
function opaqueChange(subject: string, before: unknown, after: unknown): Change[] {
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
