import type { FieldRecord } from '../../core/event-types/metadata-record.js';
import { serializeEvent } from '../../core/event/serialize-event.js';
import type { Catalogue, CatalogueType } from '../catalogue.js';
import { changesBetween, type Change } from '../changes.js';
import { exampleDataOf, exampleEventOf } from '../example-event.js';
import { fileNameOf } from '../file-name.js';
import { contextsOf, eventsIn } from '../links.js';
import { paragraphsOf, runsOf, type ProseRun } from '../prose.js';
import { registeredAt } from '../registered-at.js';
import { dataSchemaOf } from '../schema/data-schema.js';
import { wholeEventSchemaOf } from '../schema/whole-event-schema.js';
import { escapeMarkdown, inlineCode, jsonBlock } from './escape-markdown.js';

/** Renders the page of an event type or context type as Markdown. */
export function typeMarkdown(type: CatalogueType, catalogue: Catalogue): string {
  const { record } = type.current;
  const contexts = contextsOf(catalogue, record);
  const isEvent = type.kind === 'event';
  const schema = isEvent ? wholeEventSchemaOf(record, contexts) : dataSchemaOf(record);
  const example = isEvent
    ? (JSON.parse(serializeEvent(exampleEventOf(record, contexts))) as unknown)
    : exampleDataOf(record);
  return [
    `[${escapeMarkdown(catalogue.title)}](../README.md)`,
    `# ${escapeMarkdown(type.name)}`,
    ...(type.isRetired ? [`_Retired: the application has ceased to register it._`] : []),
    ...paragraphs(record.description),
    factsOf(type),
    '## Fields',
    fieldTable(record.fields),
    ...(isEvent ? contextSection(type, catalogue) : eventSection(type, catalogue)),
    '## Example',
    jsonBlock(example),
    '## Versions',
    ...versionSection(type),
    '## JSON Schema',
    jsonBlock(schema),
    '',
  ].join('\n\n');
}

function factsOf({ kind, current }: CatalogueType): string {
  const { record, since } = current;
  const location = registeredAt(record.stack_trace, '');
  return [
    `- ${kind === 'event' ? '`name_id`' : '`context_type_id`'}: ${inlineCode(record.id)}`,
    `- In force since ${dayOf(since.at(-1)!)}`,
    ...(location === undefined ? [] : [`- Registered at ${inlineCode(location)}`]),
  ].join('\n');
}

function contextSection({ current }: CatalogueType, { contexts }: Catalogue): string[] {
  const { contexts: names = [], context_fields = [] } = current.record;
  if (names.length === 0 && context_fields.length === 0) return [];
  const links = names.map((name) => {
    const isDescribed = contexts.some((context) => context.name === name);
    return `- ${isDescribed ? linkTo('context', name) : `${inlineCode(name)}, described nowhere`}`;
  });
  return [
    '## Contexts',
    ...(links.length === 0 ? [] : [links.join('\n')]),
    ...(context_fields.length === 0 ? [] : [fieldTable(context_fields)]),
  ];
}

function eventSection({ name }: CatalogueType, catalogue: Catalogue): string[] {
  const events = eventsIn(catalogue, name);
  if (events.length === 0) return [];
  return [
    '## Events in this context',
    events.map((event) => `- ${linkTo('event', event.name)}`).join('\n'),
  ];
}

function fieldTable(fields: readonly FieldRecord[]): string {
  if (fields.length === 0) return '_No fields are described._';
  return [
    '| Field | Type | Description | Example |',
    '| --- | --- | --- | --- |',
    ...fields.map(({ name, type, optional, description, example }) => {
      const kind = `${type ?? 'any'}${optional === true ? ', optional' : ''}`;
      const value = example === undefined ? '' : inlineCode(JSON.stringify(example) ?? '');
      return `| ${inlineCode(name)} | ${kind} | ${runsOf(description).map(run).join('')} | ${value} |`;
    }),
  ].join('\n');
}

function versionSection({ versions }: CatalogueType): string[] {
  return versions.flatMap(({ record, since }, index) => {
    const older = versions[index + 1]?.record;
    const changes =
      older === undefined
        ? ['The first description.']
        : changesBetween(older, record).map(changeLine);
    const marks = index === 0 ? ', current' : '';
    return [
      `### ${since.map(dayOf).join(', again ')} (${inlineCode(record.id)}${marks})`,
      changes.map((change) => `- ${change}`).join('\n'),
    ];
  });
}

function changeLine({ subject, what, before, after, isBreaking }: Change): string {
  const values =
    before === undefined || after === undefined
      ? ` ${what}`
      : `: ${escapeMarkdown(before || 'none')} → ${escapeMarkdown(after || 'none')}`;
  return `${nameInCode(subject)}${values}${isBreaking ? ' **(breaking)**' : ''}`;
}

function nameInCode(subject: string): string {
  const [, before, name] = /^([^']*)'(.*)'$/s.exec(subject) ?? [];
  return name === undefined ? subject : `${before}${inlineCode(name)}`;
}

function linkTo(kind: CatalogueType['kind'], name: string): string {
  return `[${inlineCode(name)}](../${kind}s/${encodeURIComponent(fileNameOf(name))}.md)`;
}

function paragraphs(text: string): string[] {
  const all = paragraphsOf(text);
  return all.length === 0 ? ['_No description._'] : all.map((runs) => runs.map(run).join(''));
}

function run({ isCode, text }: ProseRun): string {
  return isCode ? inlineCode(text) : escapeMarkdown(text);
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
