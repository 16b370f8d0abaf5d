import { eventTypeFrom } from '../core/event-types/event-type.js';
import { recordOf, type MetadataRecord } from '../core/event-types/metadata-record.js';

/** Makes a metadata record for a contract, as a tracker would. */
export function contractRecord(): MetadataRecord {
  const type = eventTypeFrom(
    'contract.event',
    {
      description: 'A contract is tried.',
      fields: {
        number: { description: 'Which event it is.', type: 'integer', example: 1 },
        'a.$b': { description: '', optional: true, example: { at: new Date(5) } },
      },
      contexts: ['request'],
    },
    'at contract',
  );
  return recordOf(type, new Date());
}
