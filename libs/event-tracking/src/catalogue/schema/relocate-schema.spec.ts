import { describe, expect, it } from 'vitest';
import { relocateSchema } from './relocate-schema.js';

describe('A schema that became part of another', () => {
  it('refers to what it referred to: itself, a part of it, an anchor, another document', () => {
    const refs = ['#', '#/$defs/course', '#course', 'urn:other#/course'];
    const schema = { $id: 'urn:data', anyOf: refs.map(($ref) => ({ $ref })) };
    expect(relocateSchema(schema, '#/properties/data')).toEqual({
      anyOf: [
        { $ref: '#/properties/data' },
        { $ref: '#/properties/data/$defs/course' },
        { $ref: '#course' },
        { $ref: 'urn:other#/course' },
      ],
    });
  });
});
