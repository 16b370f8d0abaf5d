import type { JsonSchema } from '../../core/event-types/standard-schema.js';

/** The dialect of all schemas of a catalogue. */
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
        'Unique to the event: a UUIDv7, by which destinations recognise what they have already.',
    },
    name: { type: 'string', description: 'What happened: the name of the event type.' },
    timestamp: {
      type: 'string',
      format: 'date-time',
      description: 'When the event was emitted, in UTC, as RFC 3339 writes it.',
    },
    context: {
      type: 'object',
      description: 'What was known of the situation, and was not passed by the emitting code.',
      additionalProperties: true,
    },
    data: {
      type: 'object',
      description: 'What the emitting code passed.',
      additionalProperties: true,
    },
    name_id: {
      type: 'string',
      description: 'Refers to the description of the event type, in the version that was in force.',
    },
    context_type_id: {
      type: 'string',
      description: 'Refers to the description of the contexts that were entered.',
    },
  },
  required: ['id', 'name', 'timestamp'],
  additionalProperties: true,
} as const satisfies JsonSchema;
