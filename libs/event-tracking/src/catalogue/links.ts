import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import type { Catalogue, CatalogueType, ContextCombination } from './catalogue.js';

/** The records of the contexts that events of a type are emitted in, as far as they are described. */
export function contextsOf(catalogue: Catalogue, event: MetadataRecord): MetadataRecord[] {
  return (event.contexts ?? []).flatMap(
    (name) => catalogue.contexts.find((type) => type.name === name)?.current.record ?? [],
  );
}

/** The events that are emitted in a context, by what is said of them now. */
export function eventsIn(catalogue: Catalogue, context: string): CatalogueType[] {
  return catalogue.events.filter(
    ({ current }) => current.record.contexts?.includes(context) === true,
  );
}

/** The combinations that a context is part of, in whichever version. */
export function combinationsWith(catalogue: Catalogue, context: string): ContextCombination[] {
  return catalogue.combinations.filter(({ parts }) =>
    parts.some(({ record }) => record.name === context),
  );
}
