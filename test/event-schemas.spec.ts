import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { parseEvent, serializeEvent, type TrackingEvent } from 'nestjs-event-tracking';
import {
  asyncApiOf,
  catalogueOf,
  dataSchemaOf,
  eventSchema,
  exampleEventOf,
  wholeEventSchemaOf,
} from 'nestjs-event-tracking/catalogue';
import { describe, expect, it } from 'vitest';
import { anyRecords } from './support/any-record.js';
import { EARLIER_RECORDS, RECORDS } from './support/course-records.mjs';
import { schemaErrorsOf } from './support/json-schema.js';
import { recordOf } from './support/metadata-record.mjs';

const event = {
  id: '01a20cbb-e184-7580-b6a8-d13d4d7e19bc',
  name: 'edx.problem.show_answer',
  timestamp: '2013-09-12T12:55:00.12345+00:00',
  name_id: '10ac28',
  context_type_id: '11bd88',
  context: { course_id: '', user_id: '', session_id: '', org_id: '', origin: 'client' },
  data: { problem_id: 'i4x://MITx/6.00x/problem/L15:L15_Problem_2' },
};

const anyEvent: fc.Arbitrary<TrackingEvent> = fc.record(
  {
    id: fc.string(),
    name: fc.string({ unit: 'binary' }),
    timestamp: fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }),
    context: fc.dictionary(fc.string(), fc.anything()),
    data: fc.dictionary(fc.string(), fc.anything()),
    name_id: fc.string(),
    context_type_id: fc.string(),
  },
  { requiredKeys: ['id', 'name', 'timestamp', 'context', 'data'] },
);

describe('The schema of events', () => {
  it('allows the sample event of the reference, and an event with only the required keys', () => {
    expect(schemaErrorsOf(eventSchema, event)).toEqual([]);
    const { id, name, timestamp } = event;
    expect(schemaErrorsOf(eventSchema, { id, name, timestamp })).toEqual([]);
    expect(schemaErrorsOf(eventSchema, { ...event, dead_letter: {} })).toEqual([]);
  });

  it.each([
    [
      'an event without a name',
      { ...event, name: undefined },
      " must have required property 'name'",
    ],
    [
      'an event without a timestamp',
      { ...event, timestamp: undefined },
      "must have required property 'timestamp'",
    ],
    ['an invalid timestamp', { ...event, timestamp: 'yesterday' }, 'must match format "date-time"'],
    ['a timestamp in milliseconds', { ...event, timestamp: 5 }, '/timestamp must be string'],
    ['a name that is not a string', { ...event, name: 7 }, '/name must be string'],
    ['a name_id that is not a string', { ...event, name_id: 7 }, '/name_id must be string'],
    [
      'a context_type_id that is not a string',
      { ...event, context_type_id: {} },
      '/context_type_id must be string',
    ],
    ['a context that is a list', { ...event, context: [] }, '/context must be object'],
    ['data that is text', { ...event, data: '{}' }, '/data must be object'],
    ['a value that is not an object', [event], ' must be object'],
  ])('rejects %s', (_, value, fault) => {
    expect(schemaErrorsOf(eventSchema, JSON.parse(JSON.stringify(value))).join()).toContain(fault);
  });

  it('allows every event that serializeEvent writes and parseEvent reads', () => {
    fc.assert(
      fc.property(anyEvent, (any) => {
        const text = serializeEvent(any);
        expect(schemaErrorsOf(eventSchema, JSON.parse(text))).toEqual([]);
        expect(serializeEvent(parseEvent(text))).toBe(text);
      }),
      { numRuns: 60 },
    );
  });
});

describe('The schema of an event type', () => {
  const enrolled = RECORDS.find(({ name }) => name === 'course.enrolled')!;
  const contexts = RECORDS.filter(({ name }) => name === 'request' || name === 'session');
  const schema = wholeEventSchemaOf(enrolled, contexts);
  const example = () => written(exampleEventOf(enrolled, contexts));

  it('allows its example and undescribed keys', () => {
    expect(schemaErrorsOf(schema, example())).toEqual([]);
    const further = { ...example(), data: { ...example().data, further: 1 } };
    expect(schemaErrorsOf(schema, further)).toEqual([]);
    expect(schemaErrorsOf(schema, { ...example(), context: {} })).toEqual([]);
  });

  it.each([
    ['another name', { name: 'course.viewed' }, '/name must be equal to constant'],
    ['no data', { data: undefined }, "must have required property 'data'"],
    ['a field that is missing', { data: { plan: 'free', price: 0 } }, "property 'course_id'"],
    [
      'a field of another kind',
      { data: { course_id: 'x', plan: 'free', price: 0.5 } },
      '/data/price must be integer',
    ],
    ['a context of another kind', { context: { method: 7 } }, '/context/method must be string'],
  ])('rejects %s', (_, difference, fault) => {
    const value: unknown = JSON.parse(JSON.stringify({ ...example(), ...difference }));
    expect(schemaErrorsOf(schema, value).join()).toContain(fault);
  });

  it('combines the schema of a validator with the descriptions of fields', () => {
    const missing = RECORDS.find(({ name }) => name === 'page.missing')!;
    const whole = wholeEventSchemaOf(missing);
    const good = {
      ...event,
      name: 'page.missing',
      data: { status: 404, referrer: 'https://a.example/' },
    };
    expect(schemaErrorsOf(whole, good)).toEqual([]);
    expect(
      schemaErrorsOf(whole, { ...good, data: { status: 200, referrer: 'nowhere at all' } }),
    ).toEqual([
      '/data/referrer must match format "uri"',
      '/data/status must be equal to one of the allowed values',
    ]);
    expect(dataSchemaOf(missing)).toMatchObject({
      title: 'page.missing',
      properties: { status: { enum: [404, 410], description: 'What was answered.' } },
    });
  });

  it('does not restrict the type of a context key if contexts declare different types', () => {
    const context = (name: string, type: string) =>
      recordOf({
        kind: 'context',
        name,
        time: 0,
        description: '',
        fields: { user_id: { description: '', type } },
      });
    const differing = wholeEventSchemaOf(enrolled, [
      context('a', 'string'),
      context('b', 'integer'),
    ]);
    for (const user_id of ['ada', 7]) {
      expect(schemaErrorsOf(differing, { ...example(), context: { user_id } })).toEqual([]);
    }
  });

  it.each([...EARLIER_RECORDS, ...RECORDS])('allows the example of $kind $name, $id', (record) => {
    const { data, ...whole } = written(exampleEventOf(record));
    expect(schemaErrorsOf(dataSchemaOf(record), data)).toEqual([]);
    if (record.kind === 'event') {
      expect(schemaErrorsOf(wholeEventSchemaOf(record), { ...whole, data })).toEqual([]);
    }
  });
});

describe('The AsyncAPI document', () => {
  const specification = createRequire(import.meta.url)('@asyncapi/specs') as {
    schemasWithoutId: Record<string, object>;
  };
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats.default(ajv);
  const validate = ajv.compile(specification.schemasWithoutId['3.0.0']!);

  const faults = (document: unknown) => {
    validate(JSON.parse(JSON.stringify(document)));
    return validate.errors ?? [];
  };

  it('conforms to the AsyncAPI specification', () => {
    expect(faults(asyncApiOf(catalogueOf([...EARLIER_RECORDS, ...RECORDS])))).toEqual([]);
    expect(faults(asyncApiOf(catalogueOf([])))).toEqual([]);
    expect(faults({ asyncapi: '3.0.0' })).not.toEqual([]);
  });

  it('conforms to the AsyncAPI specification for types with any names', () => {
    fc.assert(
      fc.property(anyRecords, (records) => {
        const document = asyncApiOf(catalogueOf(records));
        expect(faults(document)).toEqual([]);
        for (const place of referencesIn(document))
          expect(at(document, place), place).toBeDefined();
      }),
      { numRuns: 30 },
    );
  });

  it('has a message for each current event type, and a new version when a type changes', () => {
    const [current, former] = [
      asyncApiOf(catalogueOf([...EARLIER_RECORDS, ...RECORDS], { registered: RECORDS })),
      asyncApiOf(catalogueOf(EARLIER_RECORDS)),
    ];
    expect(at(current, '#/channels/events/messages/course.enrolled')).toBeDefined();
    expect(at(current, '#/channels/events/messages/course.waitlisted')).toBeUndefined();
    expect(at(current, '#/info/version')).not.toBe(at(former, '#/info/version'));
    expect(at(asyncApiOf(catalogueOf([]), { version: '7.0.0' }), '#/info/version')).toBe('7.0.0');
  });
});

function written(any: TrackingEvent): TrackingEvent {
  return JSON.parse(serializeEvent(any)) as TrackingEvent;
}

function at(document: unknown, place: string): unknown {
  return place
    .split('/')
    .slice(1)
    .reduce<unknown>(
      (value, key) => (value as Record<string, unknown> | undefined)?.[key],
      document,
    );
}

function referencesIn(document: object): string[] {
  return Array.from(JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g), ([, place]) => place!);
}
