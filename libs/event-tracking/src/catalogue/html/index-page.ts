import { compareCodePoints } from '../../core/event/compare-code-points.js';
import type { Catalogue, CatalogueType } from '../catalogue.js';
import { fileNameOf } from '../file-name.js';
import { layout } from './layout.js';
import { html, joined, type Content, type Markup } from './markup.js';
import { count, dottedName, summary } from './parts.js';

/** A file for programs that the index links to. */
export interface DataFile {
  readonly path: string;
  readonly title: string;
}

/** Renders the index of all types. */
export function indexPage(catalogue: Catalogue, files: readonly DataFile[]): string {
  const { title, events, contexts } = catalogue;
  const namespaces = namespacesOf(events);
  return layout({
    catalogueTitle: title,
    root: '',
    description: `${count(events.length, 'event type')} and ${count(contexts.length, 'context type')}.`,
    main: html`<div class="index">
      <header class="hero">
        <h1>${title}</h1>
        <p class="lead">
          ${count(events.length, 'event type')} in ${count(namespaces.size, 'namespace')}, emitted
          in ${count(contexts.length, 'described context')}.
        </p>
        ${
          namespaces.size > 1 &&
          html`<nav aria-label="Namespaces">
            <ul class="chips">
              ${[...namespaces].map(chip)}
            </ul>
          </nav>`
        }
      </header>
      ${events.length === 0 && html`<p class="none">No event types are described yet.</p>`}
      ${[...namespaces].map(([namespace, types]) => section(namespace, types, `namespace-${fileNameOf(namespace)}`))}
      ${contexts.length > 0 && section('Contexts', contexts, 'contexts')}
    </div>`,
    footer:
      files.length > 0 &&
      html`<p>
        For programs:
        ${joined(
          files.map((file) => html`<a href="${file.path}">${file.title}</a>`),
          ', ',
        )}.
      </p>`,
  });
}

/** Groups events by the first part of their name. Names without a dot form one group. */
function namespacesOf(events: readonly CatalogueType[]): Map<string, CatalogueType[]> {
  const groups = new Map<string, CatalogueType[]>();
  for (const event of events) {
    const [first = '', second] = event.name.split('.');
    const namespace = second === undefined ? 'Without a namespace' : first;
    groups.set(namespace, [...(groups.get(namespace) ?? []), event]);
  }
  const isNamed = (name: string) => !name.includes(' ');
  return new Map(
    [...groups].sort(
      ([a], [b]) => Number(isNamed(b)) - Number(isNamed(a)) || compareCodePoints(a, b),
    ),
  );
}

function chip([namespace, types]: [string, CatalogueType[]]): Markup {
  return html`<li>
    <a href="#namespace-${fileNameOf(namespace)}">${namespace} <span>${types.length}</span></a>
  </li>`;
}

function section(heading: string, types: readonly CatalogueType[], id: string): Markup {
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${heading}</h2>
    <ul class="types">
      ${types.map(entry)}
    </ul>
  </section>`;
}

function entry(type: CatalogueType): Markup {
  const { record } = type.current;
  return html`<li>
    <a href="${type.kind}s/${fileNameOf(type.name)}.html">${dottedName(type.name)}</a>
    <p>${summary(record.description)}</p>
    <p class="notes">${joined(notesOf(type), ' · ')}</p>
  </li>`;
}

function notesOf({ isRetired, current, versions }: CatalogueType): Content[] {
  return [
    isRetired && html`<span class="badge retired">retired</span>`,
    count(current.record.fields.length, 'field'),
    versions.length > 1 && count(versions.length, 'version'),
  ].filter((note) => note !== false);
}
