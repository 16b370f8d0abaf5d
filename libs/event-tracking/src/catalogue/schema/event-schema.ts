import type { JsonSchema } from '../../core/event-types/standard-schema.js';

export const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/**
 * The JSON Schema of events of any type, in the form of `serializeEvent`.
 *
 * @remarks Processors may add other keys.
 */
export const eventSchema = {
  $schema: DIALECT,
  $id: 'urn:nestjs-event-tracking:event',
  title: 'Event',
  description: 'Something that happened in an application, with the context in which it happened.',
  type: 'object',
  properties: {
    id: {
      type: 'string',
      description:
        'The unique id of the event, a UUIDv7, by which destinations recognise duplicates.',
    },
    name: { type: 'string', description: 'The name of the event type.' },
    timestamp: {
      type: 'string',
      format: 'date-time',
      description: 'When the event was emitted: an RFC 3339 time in UTC.',
    },
    context: {
      type: 'object',
      description: 'The context of the emitting code, merged from the entered contexts.',
      additionalProperties: true,
    },
    data: {
      type: 'object',
      description: 'The data that the emitting code passed.',
      additionalProperties: true,
    },
    name_id: {
      type: 'string',
      description: 'The id of the metadata record of the event type, in the version of that time.',
    },
    context_type_id: {
      type: 'string',
      description: 'The id of the metadata record of the entered contexts.',
    },
  },
  required: ['id', 'name', 'timestamp'],
  additionalProperties: true,
} as const satisfies JsonSchema;
