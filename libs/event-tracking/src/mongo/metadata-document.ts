import type { MetadataRecord } from '../core/event-types/metadata-record.js';

/** The form of a metadata record in MongoDB. Its id is the document's `_id`. */
export type MetadataDocument = Omit<MetadataRecord, 'id'> & { _id: string };

export function toMetadataDocument({ id, ...content }: MetadataRecord): MetadataDocument {
  return { _id: id, ...content };
}
