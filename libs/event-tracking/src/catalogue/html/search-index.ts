import type { Catalogue } from '../catalogue.js';
import { fileNameOf } from '../file-name.js';
import { combinationsWith } from '../links.js';
import { firstSentenceOf } from '../prose.js';

/**
 * Returns the search index as a script, because pages opened from disk cannot load data otherwise.
 */
export function searchIndex(catalogue: Catalogue): string {
  const entries = [...catalogue.events, ...catalogue.contexts].map(
    ({ kind, name, current, versions, isRetired }) => {
      const { description, fields, context_fields = [] } = current.record;
      const combined =
        kind === 'event' ? [] : combinationsWith(catalogue, name).map(({ record }) => record.id);
      return {
        kind,
        name,
        page: `${kind}s/${encodeURIComponent(fileNameOf(name))}.html`,
        summary: firstSentenceOf(description),
        description,
        fields: [...fields, ...context_fields].map((field) => field.name),
        ids: [...versions.map(({ record }) => record.id), ...combined],
        ...(isRetired ? { retired: true } : {}),
      };
    },
  );
  return `globalThis.eventCatalogue = ${JSON.stringify(entries, undefined, 1)};\n`;
}
