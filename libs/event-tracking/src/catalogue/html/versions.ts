import { changesBetween, type Change } from '../changes.js';
import type { CatalogueType } from '../catalogue.js';
import type { TypeVersion } from '../type-versions.js';
import { fieldsTable } from './fields-table.js';
import { html, joined, type Content, type Markup } from './markup.js';
import { day, prose } from './parts.js';

/** Renders the versions of a type and their changes, newest first. */
export function versionList({ versions }: CatalogueType): Markup {
  return html`<ol class="versions" reversed>
    ${versions.map((version, index) => entry(version, versions[index + 1], index === 0))}
  </ol>`;
}

function entry(version: TypeVersion, older: TypeVersion | undefined, isCurrent: boolean): Markup {
  const { record, since } = version;
  return html`<li id="version-${record.id}">
    <p class="head">
      ${joined(since.map(day), ', again ')}
      <code class="id">${record.id}</code>${isCurrent && html` <span class="badge">current</span>`}
    </p>
    ${older === undefined ? html`<p class="muted">The first description.</p>` : changeList(changesBetween(older.record, record))}
    ${!isCurrent && details(version)}
  </li>`;
}

function details({ record }: TypeVersion): Markup {
  return html`<details>
    <summary>This version, whole</summary>
    ${prose(record.description, 'text')}
    ${record.fields.length > 0 && fieldsTable(record.fields, `The fields of the version ${record.id}`)}
  </details>`;
}

function changeList(changes: readonly Change[]): Content {
  return html`<ul class="changes">
    ${changes.map(
      (change) =>
        html`<li>
          <span class="sign ${change.what}" aria-hidden="true"></span
          ><span
            >${sentence(change)}${change.isBreaking && html` <span class="badge breaking">breaking</span>`}</span
          >
        </li>`,
    )}
  </ul>`;
}

function sentence({ subject, what, before, after }: Change): Content {
  const subjectMarkup = quoted(subject);
  if (before === undefined || after === undefined) return [subjectMarkup, ` ${what}`];
  return [
    subjectMarkup,
    ': ',
    html`<del>${before === '' ? 'none' : before}</del>
      <span class="arrow" aria-hidden="true">→</span> <ins>${after === '' ? 'none' : after}</ins>`,
  ];
}

function quoted(subject: string): Content {
  const [, before, name] = /^([^']*)'(.*)'$/s.exec(subject) ?? [];
  const text = before ?? subject;
  return [
    `${text.charAt(0).toUpperCase()}${text.slice(1)}`,
    name !== undefined && html`<code>${name}</code>`,
  ];
}
