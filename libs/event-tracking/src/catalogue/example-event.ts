import { compositeId, type MetadataRecord } from '../core/event-types/metadata-record.js';
import { compareCodePoints } from '../core/event/compare-code-points.js';
import type { EventData, TrackingEvent } from '../core/event/event.js';
import { dataSchemaOf, objectOf } from './schema/data-schema.js';
import { sampleOf } from './schema/sample.js';

const ID = '01a20cbb-e184-7580-b6a8-d13d4d7e19bc';

/**
 * Returns an example event of a type, based on the examples of the type and its fields.
 *
 * @param contexts - the records of the contexts in which the events are emitted
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

/** Returns example data of an event type or context type. */
export function exampleDataOf(record: MetadataRecord): EventData {
  const { examples: _, ...schema } = dataSchemaOf(record);
  const sample = sampleOf({ type: 'object', ...schema });
  return { ...(sample as EventData), ...record.example };
}
