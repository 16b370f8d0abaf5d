import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import type { Catalogue, CatalogueType, ContextCombination } from './catalogue.js';

/** Returns the records of the described contexts in which events of a type are emitted. */
export function contextsOf(catalogue: Catalogue, event: MetadataRecord): MetadataRecord[] {
  return (event.contexts ?? []).flatMap(
    (name) => catalogue.contexts.find((type) => type.name === name)?.current.record ?? [],
  );
}

/** Returns the events whose current version names a context. */
export function eventsIn(catalogue: Catalogue, context: string): CatalogueType[] {
  return catalogue.events.filter(
    ({ current }) => current.record.contexts?.includes(context) === true,
  );
}

/** Returns the combinations that contain any version of a context. */
export function combinationsWith(catalogue: Catalogue, context: string): ContextCombination[] {
  return catalogue.combinations.filter(({ parts }) =>
    parts.some(({ record }) => record.name === context),
  );
}
