import type { FieldRecord } from '../core/event-types/metadata-record.js';
import type { Catalogue, CatalogueType } from './catalogue.js';

/** The rules of {@link lintCatalogue}. */
export type LintRule =
  | 'name-namespaced'
  | 'name-lower-case'
  | 'name-reserved'
  | 'name-collision'
  | 'name-foreign'
  | 'description-missing'
  | 'field-name-lower-case'
  | 'field-description-missing'
  | 'field-type-differs'
  | 'context-not-described';

/** A problem that makes events hard to find, to distinguish or to understand. */
export interface Finding {
  readonly rule: LintRule;
  readonly kind: 'event' | 'context';
  readonly name: string;
  readonly message: string;
}

/** Options of {@link lintCatalogue}. */
export interface LintOptions {
  /**
   * The namespaces of the application, such as `course` or `edx.video`. Event names outside them
   * are reported.
   *
   * @default any
   */
  namespaces?: readonly string[];
}

const EVENT_NAME = /^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$/;
const FIELD_NAME = /^[a-z][a-z0-9_]*$/;
/** The name of events that are emitted without a name. */
const UNNAMED = 'unknown';
const LIBRARY_CONTEXTS = new Set(['request', 'cls']);

/** Checks the names and descriptions of all types that are not retired. */
export function lintCatalogue(
  catalogue: Catalogue,
  { namespaces = [] }: LintOptions = {},
): Finding[] {
  const types = [...catalogue.events, ...catalogue.contexts].filter(({ isRetired }) => !isRetired);
  return [
    ...types.flatMap((type) => [
      ...nameFindings(type, namespaces),
      ...descriptionFindings(type),
      ...contextFindings(type, catalogue),
    ]),
    ...collisions(types),
    ...differingTypes(types),
  ];
}

function nameFindings(type: CatalogueType, namespaces: readonly string[]): Finding[] {
  const { kind, name } = type;
  const found: Finding[] = [];
  if (!EVENT_NAME.test(name)) {
    found.push(
      finding(
        type,
        'name-lower-case',
        `the name must be lower case, with underscores within words and dots between parts, such as '${suggestionFor(name)}'.`,
      ),
    );
  }
  if (kind === 'context') return found;
  if (name === UNNAMED) {
    found.push(
      finding(
        type,
        'name-reserved',
        `the name is reserved for events without a name. Choose another.`,
      ),
    );
  } else if (!name.includes('.')) {
    found.push(
      finding(
        type,
        'name-namespaced',
        `the name has no namespace. Prefix it with its subject, such as 'course.${name}', to avoid collisions.`,
      ),
    );
  }
  const owned = namespaces.some((each) => name === each || name.startsWith(`${each}.`));
  if (namespaces.length > 0 && !owned) {
    found.push(
      finding(
        type,
        'name-foreign',
        `the name is outside the application's namespaces (${namespaces.join(', ')}). Do not emit events of other ` +
          `applications. If the event corresponds to one of theirs, mention that in the description.`,
      ),
    );
  }
  return found;
}

function descriptionFindings(type: CatalogueType): Finding[] {
  const { description, fields, context_fields = [] } = type.current.record;
  const found: Finding[] = [];
  if (description.trim() === '') {
    found.push(
      finding(
        type,
        'description-missing',
        `the description is missing. Describe the meaning of the type and when it occurs.`,
      ),
    );
  }
  for (const field of [...fields, ...context_fields]) found.push(...fieldFindings(type, field));
  return found;
}

function fieldFindings(type: CatalogueType, { name, description }: FieldRecord): Finding[] {
  const found: Finding[] = [];
  if (description.trim() === '') {
    found.push(
      finding(
        type,
        'field-description-missing',
        `the field '${name}' has no description. Describe its value and unit.`,
      ),
    );
  }
  if (!FIELD_NAME.test(name)) {
    found.push(
      finding(
        type,
        'field-name-lower-case',
        `the field '${name}' must be lower case with underscores, such as '${suggestionFor(name).replaceAll('.', '_')}'.`,
      ),
    );
  }
  return found;
}

function contextFindings(type: CatalogueType, { contexts }: Catalogue): Finding[] {
  return (type.current.record.contexts ?? [])
    .filter((name) => !LIBRARY_CONTEXTS.has(name))
    .filter((name) => !contexts.some((context) => context.name === name))
    .map((name) =>
      finding(
        type,
        'context-not-described',
        `its context '${name}' is not described. Describe it with defineContext('${name}', …).`,
      ),
    );
}

/** Finds names that differ only in case and separators, which people confuse. */
function collisions(types: readonly CatalogueType[]): Finding[] {
  const alike = new Map<string, CatalogueType[]>();
  for (const type of types) {
    const key = `${type.kind} ${collisionKey(type.name)}`;
    alike.set(key, [...(alike.get(key) ?? []), type]);
  }
  return [...alike.values()].flatMap((group) =>
    group.length === 1 ? [] : group.map((type) => collision(type, group)),
  );
}

function collision(type: CatalogueType, group: readonly CatalogueType[]): Finding {
  const others = group.filter((other) => other !== type).map(({ name }) => `'${name}'`);
  return finding(
    type,
    'name-collision',
    `the name differs from ${others.join(', ')} only in case or separators. Use one name if they mean the same, or else choose another word.`,
  );
}

function differingTypes(types: readonly CatalogueType[]): Finding[] {
  const first = new Map<string, { type: string; of: string }>();
  return types
    .filter(({ kind }) => kind === 'event')
    .flatMap((event) =>
      event.current.record.fields.flatMap(({ name, type }) => {
        if (type === undefined) return [];
        const known = first.get(name);
        if (known === undefined) first.set(name, { type, of: event.name });
        if (known === undefined || known.type === type) return [];
        return [
          finding(
            event,
            'field-type-differs',
            `the field '${name}' has the type ${type} here but ${known.type} in '${known.of}'. One table cannot hold both.`,
          ),
        ];
      }),
    );
}

function finding({ kind, name }: CatalogueType, rule: LintRule, message: string): Finding {
  return { rule, kind, name, message: `The ${kind} type '${name}': ${message}` };
}

function collisionKey(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
}

function suggestionFor(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_')
    .replaceAll(/[^a-z0-9_.]+/g, '.')
    .replaceAll(/^[._]+|[._]+$/g, '');
}
