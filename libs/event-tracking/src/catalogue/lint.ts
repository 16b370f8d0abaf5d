import type { FieldRecord } from '../core/event-types/metadata-record.js';
import type { Catalogue, CatalogueType } from './catalogue.js';

/** The names of what {@link lintCatalogue} looks for. */
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

/** Something that will make events hard to find, to tell apart or to understand. */
export interface Finding {
  readonly rule: LintRule;
  readonly kind: 'event' | 'context';
  readonly name: string;
  readonly message: string;
}

/** How a catalogue is looked at. */
export interface LintOptions {
  /**
   * The namespaces that are the application's own, `course` or `edx.video`: it emits no others' events.
   *
   * @default any
   */
  namespaces?: readonly string[];
}

const EVENT_NAME = /^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$/;
const FIELD_NAME = /^[a-z][a-z0-9_]*$/;
/** What an event is called whose name was left out. */
const NAMELESS = 'unknown';

/** Finds names and descriptions that are not as they should be; retired types are left alone. */
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
        `write it in lower case, with underscores within words and dots between parts, such as '${suggestionFor(name)}'.`,
      ),
    );
  }
  if (kind === 'context') return found;
  if (name === NAMELESS) {
    found.push(
      finding(type, 'name-reserved', `events without a name are called so. Choose another.`),
    );
  } else if (!name.includes('.')) {
    found.push(
      finding(
        type,
        'name-namespaced',
        `the name has no namespace. Put what it is about before it, such as 'course.${name}', so that it collides with no other.`,
      ),
    );
  }
  const owned = namespaces.some((each) => name === each || name.startsWith(`${each}.`));
  if (namespaces.length > 0 && !owned) {
    found.push(
      finding(
        type,
        'name-foreign',
        `it lies outside the application's namespaces (${namespaces.join(', ')}). Emit no events of others: if it is the same ` +
          `as one of theirs, say so in the description.`,
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
        `it is not described. Say what it is, and when there is one.`,
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
        `the field '${name}' is not described. Say what it holds, and in which unit.`,
      ),
    );
  }
  if (!FIELD_NAME.test(name)) {
    found.push(
      finding(
        type,
        'field-name-lower-case',
        `write the field '${name}' in lower case with underscores, such as '${suggestionFor(name).replaceAll('.', '_')}'.`,
      ),
    );
  }
  return found;
}

function contextFindings(type: CatalogueType, { contexts }: Catalogue): Finding[] {
  return (type.current.record.contexts ?? [])
    .filter((name) => !contexts.some((context) => context.name === name))
    .map((name) =>
      finding(
        type,
        'context-not-described',
        `its context '${name}' is described nowhere. Describe it with defineContext('${name}', …).`,
      ),
    );
}

/** Names that people take for one another: they differ by case and separators alone. */
function collisions(types: readonly CatalogueType[]): Finding[] {
  const alike = new Map<string, CatalogueType[]>();
  for (const type of types) {
    const key = `${type.kind} ${plain(type.name)}`;
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
    `only case or separators tell it from ${others.join(', ')}. Give what is the same one name, and what differs another word.`,
  );
}

/** Fields of one name that hold different kinds of values in different event types. */
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
            `the field '${name}' is ${type} here and ${known.type} in '${known.of}'. One table cannot hold both.`,
          ),
        ];
      }),
    );
}

function finding({ kind, name }: CatalogueType, rule: LintRule, message: string): Finding {
  return { rule, kind, name, message: `The ${kind} type '${name}': ${message}` };
}

function plain(name: string): string {
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
