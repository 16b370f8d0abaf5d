import { compositeId, type MetadataRecord } from '../core/event-types/metadata-record.js';
import { compareCodePoints } from '../core/tree/compare-code-points.js';
import type { EventData, TrackingEvent } from '../core/event/event.js';
import { dataSchemaOf, objectOf } from './schema/data-schema.js';
import { sampleOf } from './schema/sample.js';

const ID = '01a20cbb-e184-7580-b6a8-d13d4d7e19bc';

/**
 * An event of a type, for readers: made of the examples that the type and its fields give.
 *
 * @param contexts - the records of the contexts that such events are emitted in
 */
export function exampleEventOf(
  record: MetadataRecord,
  contexts: readonly MetadataRecord[] = [],
): TrackingEvent {
  const ids = contexts.map(({ id }) => id).sort(compareCodePoints);
  return {
    id: ID,
    name: record.name,
    timestamp: record.timestamp,
    context: Object.assign(
      sampleOf(objectOf(record.context_fields ?? [])) as EventData,
      ...contexts.map(exampleDataOf),
    ) as EventData,
    data: exampleDataOf(record),
    name_id: record.id,
    ...(ids.length === 0 ? {} : { context_type_id: compositeId(ids) }),
  };
}

/** What an event or a context of a type holds, for readers. */
export function exampleDataOf(record: MetadataRecord): EventData {
  const { examples: _, ...schema } = dataSchemaOf(record);
  const sample = sampleOf({ type: 'object', ...schema });
  return { ...(sample as EventData), ...record.example };
}
