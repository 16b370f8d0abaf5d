import { serializeEvent } from '../../core/event/serialize-event.js';
import type { Catalogue, CatalogueType } from '../catalogue.js';
import { exampleDataOf, exampleEventOf } from '../example-event.js';
import { fileNameOf } from '../file-name.js';
import { combinationsWith, contextsOf, eventsIn } from '../links.js';
import { firstSentenceOf } from '../prose.js';
import { registeredAt } from '../registered-at.js';
import { dataSchemaOf } from '../schema/data-schema.js';
import { wholeEventSchemaOf } from '../schema/whole-event-schema.js';
import { jsonBlock } from './code.js';
import { fieldsTable } from './fields-table.js';
import { layout } from './layout.js';
import { html, joined, type Content, type Markup } from './markup.js';
import { day, dottedName, prose, summary } from './parts.js';
import { versionList } from './versions.js';

interface Section {
  id: string;
  title: string;
  content: Content;
}

export function typePage(type: CatalogueType, catalogue: Catalogue): string {
  const { kind, name, current } = type;
  const sections = sectionsOf(type, catalogue);
  return layout({
    title: name,
    catalogueTitle: catalogue.title,
    root: '../',
    description: firstSentenceOf(current.record.description),
    main: html`<div class="type">
      <article>
        ${trail(type, catalogue)}
        <header>
          <p class="kicker">
            ${kind === 'event' ? 'Event' : 'Context'}${type.isRetired && html` <span class="badge retired">retired</span>`}
          </p>
          <h1>${dottedName(name)}</h1>
          ${prose(current.record.description, 'lead')}
          ${type.isRetired && html`<p class="note">The application has ceased to register this ${kind} type.</p>`}
        </header>
        ${sections.map(
          ({ id, title, content }) =>
            html`<section aria-labelledby="${id}">
              <h2 id="${id}">${title}</h2>
              ${content}
            </section>`,
        )}
      </article>
      <aside aria-label="About this page">
        ${facts(type)}
        <nav aria-labelledby="contents">
          <h2 id="contents">On this page</h2>
          <ul>
            ${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}
          </ul>
        </nav>
      </aside>
    </div>`,
  });
}

function sectionsOf(type: CatalogueType, catalogue: Catalogue): Section[] {
  const { record } = type.current;
  const fields = {
    id: 'fields',
    title: 'Fields',
    content:
      record.fields.length === 0
        ? html`<p class="none">No fields are described.</p>`
        : fieldsTable(record.fields, `The fields of ${record.name}`),
  };
  const versions = { id: 'versions', title: 'Versions', content: versionList(type) };
  return type.kind === 'event'
    ? [fields, contextSection(type, catalogue), ...eventExample(type, catalogue), versions]
    : [fields, eventSection(type, catalogue), ...contextExample(type), versions];
}

function trail({ kind, name }: CatalogueType, { title }: Catalogue): Markup {
  const [namespace = '', second] = name.split('.');
  const anchor = kind === 'context' ? 'contexts' : `namespace-${fileNameOf(namespace)}`;
  const parent = kind === 'context' ? 'Contexts' : namespace;
  return html`<nav class="trail" aria-label="Where this page is">
    <ol>
      <li><a href="../index.html">${title}</a></li>
      ${(kind === 'context' || second !== undefined) && html`<li><a href="../index.html#${anchor}">${parent}</a></li>`}
    </ol>
  </nav>`;
}

function facts({ kind, current, versions }: CatalogueType): Markup {
  const { record, since } = current;
  const location = registeredAt(record.stack_trace, '');
  return html`<dl class="facts">
    <div>
      <dt>${kind === 'event' ? html`<code>name_id</code>` : html`<code>context_type_id</code>`}</dt>
      <dd><code class="id">${record.id}</code></dd>
    </div>
    <div>
      <dt>In force since</dt>
      <dd>${day(since.at(-1)!)}</dd>
    </div>
    ${
      versions.length > 1 &&
      html`<div>
        <dt>Versions</dt>
        <dd><a href="#versions">${versions.length}</a></dd>
      </div>`
    }
    ${
      location !== undefined &&
      html`<div>
        <dt>Registered at</dt>
        <dd><code class="place">${joined(location.split('/'), html`/<wbr />`)}</code></dd>
      </div>`
    }
  </dl>`;
}

function contextSection({ current }: CatalogueType, catalogue: Catalogue): Section {
  const { contexts = [], context_fields = [] } = current.record;
  const content: Content[] = [];
  if (contexts.length > 0) {
    content.push(
      html`<ul class="cards">
        ${contexts.map((name) => contextCard(name, catalogue))}
      </ul>`,
    );
  }
  if (context_fields.length > 0) {
    content.push(
      contexts.length > 0 && html`<h3>Further keys of the context</h3>`,
      fieldsTable(context_fields, `Context of ${current.record.name}`, 'context-field'),
    );
  }
  if (content.length === 0) content.push(html`<p class="none">No contexts are described.</p>`);
  return { id: 'contexts', title: 'Contexts', content };
}

function contextCard(name: string, { contexts }: Catalogue): Markup {
  const context = contexts.find((type) => type.name === name);
  if (context === undefined) {
    return html`<li>
      ${dottedName(name)}
      <p class="none">Described nowhere.</p>
    </li>`;
  }
  const { fields, description } = context.current.record;
  return html`<li>
    <a href="../contexts/${fileNameOf(name)}.html">${dottedName(name)}</a>
    <p>${summary(description)}</p>
    ${
      fields.length > 0 &&
      html`<p class="keys">
        ${joined(
          fields.map((field) => html`<code>${field.name}</code>`),
          ' ',
        )}
      </p>`
    }
  </li>`;
}

function eventSection({ name }: CatalogueType, catalogue: Catalogue): Section {
  const events = eventsIn(catalogue, name);
  const combinations = combinationsWith(catalogue, name);
  return {
    id: 'events',
    title: 'Events in this context',
    content: [
      events.length === 0
        ? html`<p class="none">No event type names this context.</p>`
        : html`<ul class="cards">
            ${events.map(
              (event) =>
                html`<li>
                  <a href="../events/${fileNameOf(event.name)}.html">${dottedName(event.name)}</a
                  >${event.isRetired && html` <span class="badge retired">retired</span>`}
                  <p>${summary(event.current.record.description)}</p>
                </li>`,
            )}
          </ul>`,
      combinations.length > 0 &&
        html`<h3>Together with other contexts</h3>
          <p class="muted">
            Events that are emitted in several contexts refer to all of them by one
            <code>context_type_id</code>.
          </p>
          <ul class="combinations">
            ${combinations.map(
              ({ record, parts }) =>
                html`<li id="version-${record.id}">
                  <code class="id">${record.id}</code>
                  <span
                    >${joined(
                      parts.map((part) => partLink(part.record.name, name)),
                      ' + ',
                    )}</span
                  >
                </li>`,
            )}
          </ul>`,
    ],
  };
}

function partLink(part: string, self: string): Markup {
  return part === self
    ? html`<strong>${part}</strong>`
    : html`<a href="${fileNameOf(part)}.html">${part}</a>`;
}

function eventExample({ current }: CatalogueType, catalogue: Catalogue): Section[] {
  const contexts = contextsOf(catalogue, current.record);
  const example: unknown = JSON.parse(serializeEvent(exampleEventOf(current.record, contexts)));
  return [
    { id: 'example', title: 'Example', content: jsonBlock(example, 'An example event') },
    schemaSection(wholeEventSchemaOf(current.record, contexts), 'events of this type'),
  ];
}

function contextExample({ current }: CatalogueType): Section[] {
  return [
    {
      id: 'example',
      title: 'Example',
      content: jsonBlock(exampleDataOf(current.record), 'An example of the context'),
    },
    schemaSection(dataSchemaOf(current.record), 'this context'),
  ];
}

function schemaSection(schema: object, what: string): Section {
  return {
    id: 'schema',
    title: 'JSON Schema',
    content: html`<details class="schema">
      <summary>The schema of ${what}</summary>
      ${jsonBlock(schema, `The JSON Schema of ${what}`)}
    </details>`,
  };
}
