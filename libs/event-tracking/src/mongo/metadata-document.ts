import type { MetadataRecord } from '../core/event-types/metadata-record.js';

/** A metadata record as MongoDB stores it: its id is the document's. */
export type MetadataDocument = Omit<MetadataRecord, 'id'> & { _id: string };

export function toMetadataDocument({ id, ...content }: MetadataRecord): MetadataDocument {
  return { _id: id, ...content };
}
