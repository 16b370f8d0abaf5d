import { describe, expect, it } from 'vitest';
import { relocateSchema } from './relocate-schema.js';

describe('relocateSchema', () => {
  it('keeps references to the schema, its parts, anchors and other documents intact', () => {
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
