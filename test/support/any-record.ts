import fc from 'fast-check';
import type { MetadataRecord } from 'nestjs-event-tracking/core';
import { recordOf } from './metadata-record.mjs';

const anyField = fc.record(
  {
    description: fc.string({ unit: 'binary' }),
    type: fc.constantFrom('string', 'number', 'integer', 'boolean', 'date', 'array', 'object'),
    optional: fc.constant(true),
    example: fc.jsonValue({ maxDepth: 1 }),
  },
  { requiredKeys: ['description'] },
);

const anyFields = fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), anyField, {
  maxKeys: 3,
});

/** Metadata records of few names, in many versions, registered again and again. */
export const anyRecord: fc.Arbitrary<MetadataRecord> = fc
  .record({
    kind: fc.constantFrom('event', 'context'),
    name: fc.constantFrom('course.enrolled', 'Course.Enrolled', 'a/b ✓', 'session', '__proto__'),
    description: fc.constantFrom('', 'Once.', 'Twice, with <b>markup</b> and `code`.'),
    contexts: fc.constantFrom([], ['session']),
    fields: anyFields,
    time: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  })
  .map(({ contexts, ...content }) =>
    recordOf({ ...content, ...(contexts.length === 0 ? {} : { contexts }) }),
  );

export const anyRecords = fc.array(anyRecord, { maxLength: 12 });
