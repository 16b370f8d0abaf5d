import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import {
  AsyncRoutingBackend,
  defineContext,
  defineEvent,
  ImproperlyConfigured,
  Tracker,
  type Fields,
  type MetadataRecord,
  type TrackerOptions,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import { RecordingBackend } from 'nestjs-event-tracking/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';

const NAME = 'edx.problem.show_answer';
const ID = /^[\da-f]{16}$/;
const HERE = fileURLToPath(import.meta.url);

/** Creates a tracker with its recorded events and its logger. */
function tracked(options: TrackerOptions = {}) {
  const recording = new RecordingBackend();
  const logger = { warn: vi.fn<(text: string) => void>(), error: vi.fn<(text: string) => void>() };
  const tracker = new Tracker({ backends: { recording }, logger, ...options });
  const last = (): TrackingEvent => recording.events.at(-1)!;
  return { tracker, recording, logger, last };
}

/** Registers the event of shown answers with a description. */
const registerWith = (tracker: Tracker, description: string): string =>
  tracker.register(NAME, description, { problem_id: 'A unique problem identifier' }).id;

const ShowAnswer = defineEvent(NAME, {
  description: 'An answer was shown for a problem',
  fields: { problem_id: { description: 'A unique problem identifier', type: 'string' } },
});

afterEach(() => {
  vi.useRealTimers();
});

describe('The name_id of an event', () => {
  it('is absent if no event type is registered', () => {
    const { tracker, last } = tracked();
    tracker.emit(NAME, { problem_id: 'L15' });
    expect(Object.keys(last())).not.toContain('name_id');
    expect(Object.keys(last())).not.toContain('context_type_id');
  });

  it('is absent if only types with other names are registered', () => {
    const { tracker, last } = tracked();
    registerWith(tracker, 'An answer was shown for a problem');
    tracker.emit('edx.problem.hide_answer');
    expect(Object.keys(last())).not.toContain('name_id');
  });

  it('is the id of the registered record, from the registration on', () => {
    const { tracker, recording } = tracked();
    tracker.emit(NAME, { problem_id: 'L14' });
    const id = registerWith(tracker, 'An answer was shown for a problem');
    tracker.emit(NAME, { problem_id: 'L15' });
    expect(id).toMatch(ID);
    expect(recording.events.map(({ name_id }) => name_id)).toEqual([undefined, id]);
    expect(Object.keys(recording.events[0]!)).not.toContain('name_id');
  });

  it('is the first id again if a type is registered as A, as B and as A', () => {
    const { tracker, recording } = tracked();
    const ids = ['A', 'B', 'A'].map((description) => {
      const id = registerWith(tracker, description);
      tracker.emit(NAME, { problem_id: 'L15' });
      return id;
    });
    expect(ids[0]).toBe(ids[2]);
    expect(ids[0]).not.toBe(ids[1]);
    expect(recording.events.map(({ name_id }) => name_id)).toEqual(ids);
    expect(tracker.records.map(({ description }) => description)).toEqual(['B', 'A']);
  });

  it('does not change in a queue if the type is registered again meanwhile', async () => {
    const recording = new RecordingBackend();
    const node = new AsyncRoutingBackend({ backends: { recording } });
    const { tracker } = tracked({ backends: { node } });
    const before = registerWith(tracker, 'A');
    tracker.emit(NAME, { problem_id: 'L15' });
    const after = registerWith(tracker, 'B');
    tracker.emit(NAME, { problem_id: 'L15' });
    expect(recording.events).toEqual([]);
    await tracker.flush();
    expect(recording.events.map(({ name_id }) => name_id)).toEqual([before, after]);
  });

  it('belongs to the registration whose fields are checked', () => {
    const { tracker } = tracked();
    tracker.register(NAME, 'An answer was shown', { problem_id: 'The problem' });
    tracker.register(NAME, 'An answer was shown', { answer_id: 'The answer' });
    tracker.emit(NAME, { answer_id: 'L15' });
    expect(tracker.violations).toEqual([]);
  });

  it('is the id of the latest registration in every sequence of registrations', () => {
    const step = fc.oneof(
      fc.record({ emit: fc.constantFrom('a', 'b', 'c') }),
      fc.record({
        register: fc.constantFrom('a', 'b', 'c'),
        description: fc.constantFrom('1', '2', '3'),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { tracker, recording } = tracked();
        const current = new Map<string, MetadataRecord>();
        const expected: (string | undefined)[] = [];
        const order = new Set<string>();
        for (const each of steps) {
          if ('emit' in each) {
            tracker.emit(each.emit);
            expected.push(current.get(each.emit)?.id);
          } else {
            const record = tracker.register(each.register, each.description);
            current.set(each.register, record);
            order.delete(record.id);
            order.add(record.id);
          }
        }
        expect(recording.events.map(({ name_id }) => name_id)).toEqual(expected);
        expect(tracker.records.map(({ id }) => id)).toEqual([...order]);
        for (const { name, name_id } of recording.events) {
          if (name_id === undefined) continue;
          expect(tracker.records.find(({ id }) => id === name_id)).toMatchObject({ name });
        }
      }),
    );
  });
});

describe('An event type', () => {
  it('is registered when it is first emitted', () => {
    const { tracker, last } = tracked();
    tracker.emit(ShowAnswer, { problem_id: 'L15' });
    expect(tracker.records).toMatchObject([{ kind: 'event', name: NAME }]);
    expect(last()).toMatchObject({
      name: NAME,
      name_id: tracker.records[0]!.id,
      data: { problem_id: 'L15' },
    });
    expect(tracker.violations).toEqual([]);
  });

  it('gives its own id to its events; an event emitted by name gets the id of the last registration', () => {
    const { tracker, recording } = tracked();
    const Revised = defineEvent(NAME, { description: 'An answer was shown, or two' });
    const old = tracker.register(ShowAnswer).id;
    const revised = tracker.register(Revised).id;
    tracker.emit(ShowAnswer, { problem_id: 'L15' });
    tracker.emit(NAME);
    tracker.emit(Revised);
    tracker.emit(NAME);
    expect(recording.events.map(({ name_id }) => name_id)).toEqual([
      old,
      revised,
      revised,
      revised,
    ]);
    expect(tracker.records.map(({ id }) => id)).toEqual([old, revised]);
  });

  it('that is emitted first defines its name, unless the name was registered explicitly', () => {
    const [one, other] = [tracked(), tracked()];
    const byHand = registerWith(other.tracker, 'In other words');
    for (const { tracker } of [one, other]) {
      tracker.emit(ShowAnswer, { problem_id: 'L15' });
      tracker.emit(NAME, { problem_id: 'L15' });
    }
    const ids = ({ recording }: typeof one) => recording.events.map(({ name_id }) => name_id);
    const [own] = ids(one);
    expect(ids(one)).toEqual([own, own]);
    expect(ids(other)).toEqual([own, byHand]);
    expect(other.tracker.records).toHaveLength(2);
  });

  it('can be passed to the constructor, as a context type can', () => {
    const Session = defineContext('session', { description: 'Somebody is logged in' });
    const { tracker, last } = tracked({ eventTypes: [ShowAnswer, Session] });
    expect(tracker.records.map(({ kind, name }) => [kind, name])).toEqual([
      ['event', NAME],
      ['context', 'session'],
    ]);
    tracker.emit(NAME, { problem_id: 'L15' });
    expect(last().name_id).toBe(tracker.records[0]!.id);
  });

  it('has the same id in independent trackers', () => {
    const [one, other] = [tracked(), tracked()];
    one.tracker.emit(ShowAnswer, { problem_id: 'L15' });
    other.tracker.emit(NAME, { problem_id: 'L15' });
    expect(other.tracker.records).toEqual([]);
    expect(other.last().name_id).toBeUndefined();
    expect(other.tracker.register(ShowAnswer).id).toBe(one.last().name_id);
  });

  it('is frozen, and does not change with the options that it was defined with', () => {
    const options = {
      description: 'before',
      fields: { problem_id: { description: 'before', example: { nested: ['before'] } } },
      contexts: ['session'],
    };
    const type = defineEvent(NAME, options);
    const { id } = tracked().tracker.register(type);
    options.description = 'after';
    options.fields.problem_id.description = 'after';
    options.fields.problem_id.example.nested[0] = 'after';
    Object.assign(options.fields, { another: 'after' });
    options.contexts.push('after');
    const record = tracked().tracker.register(type);
    expect(JSON.stringify(record)).not.toContain('after');
    expect(record.id).toBe(id);
    for (const part of [type, type.fields, type.fields!['problem_id'], type.contexts]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
    expect(Object.isFrozen(defineContext('session', { description: '' }))).toBe(true);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['no name', () => defineEvent('', { description: '' }), /name/],
    [
      'a name that is not a string',
      () => defineEvent(5 as unknown as string, { description: '' }),
      /name/,
    ],
    ['no options', () => defineEvent(NAME, undefined as never), /show_answer/],
    ['no description', () => defineEvent(NAME, {} as never), /description/],
    [
      'fields in a list',
      () => defineEvent(NAME, { description: '', fields: ['problem_id'] as unknown as Fields }),
      /fields/,
    ],
    [
      'a field without a description',
      () => defineEvent(NAME, { description: '', fields: { problem_id: 7 as unknown as string } }),
      /problem_id/,
    ],
    [
      'a field of an unknown type',
      () =>
        defineEvent(NAME, {
          description: '',
          fields: { problem_id: { description: '', type: 'text' as 'string' } },
        }),
      /string[^]*text/,
    ],
    [
      'a schema that is not a Standard Schema',
      () => defineEvent(NAME, { description: '', schema: { parse() {} } as never }),
      /schema/i,
    ],
    [
      'a context of the wrong type',
      () => defineEvent(NAME, { description: '', contexts: [7 as unknown as string] }),
      /contexts/,
    ],
    [
      'contexts that are not a list',
      () => defineEvent(NAME, { description: '', contexts: 'session' as unknown as string[] }),
      /contexts/,
    ],
    [
      'a context type without a description',
      () => defineContext('session', {} as never),
      /description/,
    ],
    [
      'eventTypes that are not types',
      () => new Tracker({ eventTypes: [{ name: NAME } as unknown as typeof ShowAnswer] }),
      /eventTypes/,
    ],
    [
      'a registration of a value that is not a type',
      () => new Tracker().register({ name: NAME } as unknown as typeof ShowAnswer),
      /./,
    ],
    [
      'a context with a number as description',
      () => new Tracker().enterContext('session', {}, 7 as unknown as string),
      /description/,
    ],
  ])('is rejected with the reason: %s', (_what, action, message) => {
    let thrown: unknown;
    try {
      action();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ImproperlyConfigured);
    expect((thrown as Error).message).toMatch(message);
  });
});

describe('A metadata record', () => {
  it('is returned by register with the whole description', () => {
    vi.useFakeTimers({ now: Date.UTC(2013, 8, 12, 12, 5), toFake: ['Date'] });
    const { tracker } = tracked();
    const record = tracker.register(
      'edx.navigation.request',
      'A user visited a page',
      { url: 'The url of the page visited.', method: 'The HTTP method for the request.' },
      { user_agent: 'The user agent.', parameters: 'All GET and POST parameters.' },
    );
    expect(record).toMatchObject({
      id: expect.stringMatching(ID),
      kind: 'event',
      name: 'edx.navigation.request',
      description: 'A user visited a page',
      fields: [
        { name: 'method', description: 'The HTTP method for the request.' },
        { name: 'url', description: 'The url of the page visited.' },
      ],
      context_fields: [
        { name: 'parameters', description: 'All GET and POST parameters.' },
        { name: 'user_agent', description: 'The user agent.' },
      ],
      timestamp: new Date('2013-09-12T12:05:00.000Z'),
    });
    expect(tracker.records).toEqual([record]);
  });

  it('starts its stack trace with the line of the registration', () => {
    const { stack_trace } = tracked().tracker.register(NAME, '');
    const [frame] = stack_trace.split('\n').filter((line) => /^ +at /.test(line));
    expect(frame).toContain(HERE);
  });

  it('has the stack trace of the definition of its type', () => {
    function declare() {
      return defineEvent(NAME, { description: '' });
    }
    expect(tracked().tracker.register(declare()).stack_trace).toMatch(/declare/);
  });

  it('contains the types, optionality and examples of fields, and the contexts', () => {
    const record = tracked().tracker.register(
      defineEvent(NAME, {
        description: 'An answer was shown',
        fields: {
          problem_id: { description: 'The problem', type: 'string', example: 'L15' },
          hint: { description: 'The hint', optional: true },
        },
        contexts: [defineContext('session', { description: '' }), 'request'],
        example: { problem_id: 'L16' },
      }),
    );
    expect(record).toMatchObject({
      fields: [
        { name: 'hint', description: 'The hint', optional: true },
        { name: 'problem_id', description: 'The problem', type: 'string', example: 'L15' },
      ],
      contexts: expect.arrayContaining(['session', 'request']),
      example: { problem_id: 'L16' },
    });
  });

  it('represents values that JSON cannot represent as readable text', () => {
    const circle: Record<string, unknown> = { large: 10n };
    circle['self'] = circle;
    const fields = { problem_id: { description: 'The problem', example: circle } };
    const { tracker } = tracked();
    using _entered = tracker.enterContext('session', {}, 'Somebody is logged in', fields);
    tracker.emit(defineEvent(NAME, { description: 'An answer was shown', fields }), {
      problem_id: 'L15',
    });
    for (const { fields } of JSON.parse(JSON.stringify(tracker.records)) as MetadataRecord[]) {
      expect(fields).toMatchObject([{ example: { large: '10', self: '[Circular]' } }]);
    }
    expect(tracker.records).toHaveLength(2);
  });

  it('is stored once if the same description is registered repeatedly', () => {
    const { tracker } = tracked();
    for (let time = 0; time < 3; time++) registerWith(tracker, 'An answer was shown');
    expect(tracker.records).toHaveLength(1);
  });

  it('is kept for each version', () => {
    const { tracker } = tracked();
    const ids = ['A', 'B', 'C'].map((description) => registerWith(tracker, description));
    expect(tracker.records.map(({ id }) => id)).toEqual(ids);
    expect(tracker.records.map(({ description }) => description)).toEqual(['A', 'B', 'C']);
  });

  it('cannot be changed by its reader', () => {
    const { tracker, last } = tracked();
    const record = tracker.register(ShowAnswer);
    const { id } = record;
    for (const change of [
      () => Object.assign(record, { id: 'forged', description: 'forged' }),
      () => Object.assign(record.fields[0]!, { description: 'forged' }),
      () => (tracker.records as MetadataRecord[]).splice(0),
    ]) {
      // An exception protects the record as well as a change without effect.
      try {
        change();
      } catch {}
    }
    tracker.emit(NAME, { problem_id: 'L15' });
    expect(last().name_id).toBe(id);
    expect(tracker.records).toHaveLength(1);
    expect(JSON.stringify(tracker.records)).not.toContain('forged');
  });
});

const text = fc.string({ unit: 'grapheme', maxLength: 8 });
const fieldName = fc.oneof(
  { weight: 4, arbitrary: fc.string({ minLength: 1, maxLength: 4 }) },
  fc.constantFrom('__proto__', 'constructor', '10', '9', 'a.b', '$ref', 'toString'),
);
const field = fc.oneof(
  text,
  fc.record(
    {
      description: text,
      type: fc.constantFrom('string', 'number', 'integer', 'boolean', 'date', 'array', 'object'),
      optional: fc.constant(true),
      example: fc.jsonValue({ maxDepth: 1 }),
    },
    { requiredKeys: ['description'] },
  ),
) as fc.Arbitrary<Fields[string]>;
const fieldsOf = (min = 0) =>
  fc
    .uniqueArray(fc.tuple(fieldName, field), {
      selector: ([name]) => name,
      minLength: min,
      maxLength: 4,
    })
    .map((entries): Fields => Object.fromEntries(entries));
const described = fc.record({
  name: fc.string({ minLength: 1, maxLength: 6 }),
  description: text,
  fields: fieldsOf(),
  contextFields: fieldsOf(),
});
type Described = typeof described extends fc.Arbitrary<infer D> ? D : never;

const register = (
  { name, description, fields, contextFields }: Described,
  tracker = new Tracker(),
): MetadataRecord => tracker.register(name, description, fields, contextFields);

/** Returns equal fields with their keys in reverse order. */
const turned = (fields: Fields): Fields =>
  Object.fromEntries(
    Object.entries(fields)
      .toReversed()
      .map(([name, said]) => [
        name,
        typeof said === 'string' ? said : Object.fromEntries(Object.entries(said).toReversed()),
      ]),
  ) as Fields;

/** Serializes the properties of fields that determine the id. */
function essence(fields: Fields): string {
  return JSON.stringify(
    Object.entries(fields)
      .map(([name, said]) => {
        const { description, type, optional, example } =
          typeof said === 'string' ? { description: said } : { ...said };
        return [name, description, type, optional, JSON.stringify(example)];
      })
      .toSorted(([one], [other]) => (one! < other! ? -1 : 1)),
  );
}

describe('The id of a metadata record', () => {
  it('does not depend on the order of keys, the time or the code location', () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    fc.assert(
      fc.property(described, (type) => {
        const { id, fields } = register(type);
        vi.advanceTimersByTime(86_400_000);
        const again = new Tracker().register(
          type.name,
          type.description,
          turned(type.fields),
          turned(type.contextFields),
        );
        expect(again.id).toBe(id);
        expect(again.fields).toEqual(fields);
      }),
    );
  });

  it('is the same for a field given as text and as an object with only a description', () => {
    const [short, long] = [{ url: 'The page' }, { url: { description: 'The page' } }].map(
      (fields) => tracked().tracker.register(NAME, '', fields).id,
    );
    expect(short).toBe(long);
  });

  it('is the same for a type and for the same description by name', () => {
    const fields = { problem_id: { description: 'The problem', type: 'string' } } as const;
    const value = defineEvent(NAME, { description: 'An answer was shown', fields });
    const { tracker } = tracked();
    expect(tracker.register(value).id).toBe(
      tracker.register(NAME, 'An answer was shown', fields).id,
    );
  });

  it('differs between an event and a context with the same description', () => {
    const { tracker } = tracked();
    const words = { description: 'The same', fields: { user_id: 'The user' } };
    const ids = [defineEvent('session', words), defineContext('session', words)].map(
      (type) => tracker.register(type).id,
    );
    expect(new Set(ids).size).toBe(2);
  });

  it('differs if any text differs', () => {
    fc.assert(
      fc.property(described, described, fc.boolean(), (one, other, isAlike) => {
        const compared = isAlike ? { ...one, contextFields: other.contextFields } : other;
        const differ = JSON.stringify(essenceOf(one)) !== JSON.stringify(essenceOf(compared));
        expect(register(one).id !== register(compared).id).toBe(differ);
      }),
      { numRuns: 500 },
    );
  });

  it('changes with each single text', () => {
    const longer = (name: string, fields: Fields): Fields[] => {
      const said = fields[name]!;
      const { description, ...more } =
        typeof said === 'string' ? { description: said } : { ...said };
      const without = Object.entries(fields).filter(([key]) => key !== name);
      const put = (key: string, value: Fields[string]): Fields =>
        Object.fromEntries([...without, [key, value]]);
      return [
        put(name, { ...more, description: `${description}.` }),
        put(`${name}+renamed`, said),
        put(name, { ...more, description, example: 'an example of its own' }),
        Object.fromEntries(without),
        Object.fromEntries([...Object.entries(fields), [`${name}+added`, said]]),
      ];
    };
    fc.assert(
      fc.property(described, (type) => {
        const variants = [
          type,
          { ...type, name: `${type.name}.` },
          { ...type, description: `${type.description}.` },
          ...Object.keys(type.fields).flatMap((name) =>
            longer(name, type.fields).map((fields) => ({ ...type, fields })),
          ),
          ...Object.keys(type.contextFields).flatMap((name) =>
            longer(name, type.contextFields).map((contextFields) => ({ ...type, contextFields })),
          ),
        ];
        expect(new Set(variants.map((variant) => register(variant).id)).size).toBe(variants.length);
      }),
    );
  });

  it('comes with field ids that are unique across fields and versions', () => {
    fc.assert(
      fc.property(fc.array(described, { maxLength: 8 }), (types) => {
        const tracker = new Tracker();
        for (const type of types) {
          register(type, tracker);
          // Another version with the same fields.
          register({ ...type, description: `${type.description}.` }, tracker);
        }
        const ids = tracker.records.flatMap(({ fields, context_fields = [] }) =>
          [...fields, ...context_fields].map(({ id }) => id),
        );
        expect(new Set(ids).size).toBe(ids.length);
      }),
    );
  });

  it('comes with all fields in the order of their names, whatever the names', () => {
    fc.assert(
      fc.property(described, (type) => {
        const { fields, context_fields = [] } = register(type);
        for (const [listed, said] of [
          [fields, type.fields],
          [context_fields, type.contextFields],
        ] as const) {
          expect(listed.map(({ name }) => name)).toEqual(Object.keys(said).toSorted());
        }
      }),
    );
  });
});

const essenceOf = ({ name, description, fields, contextFields }: Described): string[] => [
  name,
  description,
  essence(fields),
  essence(contextFields),
];
