import type { FieldRecord } from '../../core/event-types/metadata-record.js';
import { inlineValue } from './code.js';
import { html, type Markup } from './markup.js';
import { inlineProse } from './parts.js';

/**
 * Renders the fields of a type. The roles are explicit, because narrow pages do not lay the table
 * out as one.
 */
export function fieldsTable(
  fields: readonly FieldRecord[],
  caption: string,
  anchor = 'field',
): Markup {
  return html`<table class="fields" role="table">
    <caption class="unseen">
      ${caption}
    </caption>
    <thead role="rowgroup">
      <tr role="row">
        <th scope="col" role="columnheader">Field</th>
        <th scope="col" role="columnheader">Type</th>
        <th scope="col" role="columnheader">Description</th>
        <th scope="col" role="columnheader">Example</th>
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${fields.map((field) => row(field, anchor))}
    </tbody>
  </table>`;
}

function row(
  { id, name, type, optional, description, example }: FieldRecord,
  anchor: string,
): Markup {
  return html`<tr role="row" id="${anchor}-${id}">
    <th scope="row" role="rowheader">
      <code class="field">${name}</code><span class="id" title="The field’s id">${id}</span>
    </th>
    <td role="cell">
      <span class="type">${type ?? 'any'}</span>
      ${optional === true && html`<span class="optional">optional</span>`}
    </td>
    <td role="cell">
      ${description.trim() === '' ? html`<span class="none">No description.</span>` : inlineProse(description)}
    </td>
    <td role="cell">
      ${example === undefined ? html`<span class="none" aria-hidden="true">–</span>` : inlineValue(example)}
    </td>
  </tr>`;
}
