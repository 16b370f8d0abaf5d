import type { MetadataRecord } from '../core/event-types/metadata-record.js';

export type MetadataDocument = Omit<MetadataRecord, 'id'> & { _id: string };

export function toMetadataDocument({ id, ...content }: MetadataRecord): MetadataDocument {
  return { _id: id, ...content };
}
