import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import {
  defineContext,
  defineEvent,
  EventTrackingError,
  EventViolationError,
  MemoryBackend,
  Tracker,
  type Backend,
  type StandardSchema,
  type TrackerOptions,
  type ViolationKind,
} from 'nestjs-event-tracking';
import { RecordingBackend } from 'nestjs-event-tracking/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { unaccountedEvents } from './support/unaccounted-events.js';
import { deferred } from './support/deferred.js';

type SchemaResult = Awaited<ReturnType<StandardSchema['~standard']['validate']>>;

const HERE = fileURLToPath(import.meta.url);
const NAME = 'course.enrolled';

const CourseEnrolled = defineEvent(NAME, {
  description: 'Somebody got a seat in a course.',
  fields: {
    course_id: { description: 'The course.', type: 'string' },
    seat: { description: 'The seat.', type: 'integer', optional: true },
    mode: 'How it is paid for.',
  },
});

const GOOD = { course_id: 'DemoX', seat: 12, mode: 'audit' };

/** Creates a tracker with its recorded events and its logger. */
function tracked(options: TrackerOptions = {}) {
  const recording = new RecordingBackend();
  const logger = { warn: vi.fn<(text: string) => void>(), error: vi.fn<(text: string) => void>() };
  const tracker = new Tracker({
    backends: { recording },
    eventTypes: [CourseEnrolled],
    logger,
    ...options,
  });
  const kinds = (): ViolationKind[] => tracker.violations.map(({ kind }) => kind);
  /** Emits arguments that the compiler would reject. */
  const emit = tracker.emit.bind(tracker) as (name: unknown, data?: unknown) => void;
  return { tracker, emit, recording, logger, kinds };
}

/** Creates a validator that returns a given result. */
const validator = (
  validate: (value: unknown) => unknown,
  vendor = 'test',
): StandardSchema<object> => ({
  '~standard': {
    version: 1,
    vendor,
    validate: validate as (value: unknown) => SchemaResult,
    jsonSchema: { input: () => ({}) },
  },
});

const validated = (validate: (value: unknown) => unknown) =>
  defineEvent('validated', { description: '', schema: validator(validate) });

/** Resolves to the error with which a promise rejects. */
async function rejectionOf(promise: Promise<unknown>): Promise<EventViolationError> {
  try {
    await promise;
  } catch (error) {
    return error as EventViolationError;
  }
  throw new Error('it did not reject');
}

afterEach(() => {
  vi.useRealTimers();
});

describe('An event that deviates from its type', () => {
  it.each<[string, unknown, unknown, ViolationKind[], RegExp]>([
    ['an unregistered name', 'course.left', {}, ['unregistered'], /course\.left/],
    ['no name at all', undefined, undefined, ['unregistered'], /unknown/],
    ['an extra field', NAME, { ...GOOD, tutor: 'Ada' }, ['extra-field'], /tutor/],
    ['a missing field', NAME, { course_id: 'DemoX' }, ['missing-field'], /mode/],
    ['a field of another type', NAME, { ...GOOD, course_id: 7 }, ['invalid'], /course_id/],
    [
      'two fields of other types',
      NAME,
      { ...GOOD, course_id: 7, seat: 'front' },
      ['invalid'],
      /course_id[^]*seat|seat[^]*course_id/,
    ],
    ['a fraction for an integer', NAME, { ...GOOD, seat: 1.5 }, ['invalid'], /seat/],
    ['null for a string', NAME, { ...GOOD, course_id: null }, ['invalid'], /course_id/],
    [
      'a required field that is undefined',
      NAME,
      { ...GOOD, mode: undefined },
      ['missing-field'],
      /mode/,
    ],
    [
      'a value that JSON cannot represent',
      NAME,
      { ...GOOD, mode: () => {} },
      ['unserialisable'],
      /mode/,
    ],
    [
      'too many bytes',
      NAME,
      { ...GOOD, mode: 'x'.repeat(1_100_000) },
      ['oversized'],
      /1.?048.?576|1 MiB/,
    ],
    [
      'several deviations',
      NAME,
      { seat: 'front', tutor: Symbol('Ada'), mode: 'audit' },
      ['extra-field', 'invalid', 'missing-field', 'unserialisable'],
      /tutor[^]*course_id|course_id[^]*tutor/,
    ],
  ])(
    'is delivered, logged as a warning and counted: %s',
    (_what, name, data, expected, message) => {
      const { tracker, emit, recording, logger, kinds } = tracked();
      emit(name, data);
      expect(recording.events).toHaveLength(1);
      expect(kinds().toSorted()).toEqual(expected);
      expect(logger.warn.mock.calls.join('\n')).toMatch(message);
      expect(tracker.violations.map((violation) => violation.message).join('\n')).toMatch(message);
      expect(tracker.stats()).toMatchObject({
        arrived: 1,
        delivered: 1,
        violations: Object.fromEntries(expected.map((kind) => [kind, 1])),
      });
      expect(logger.error).not.toHaveBeenCalled();
    },
  );

  it.each<[string, unknown]>([
    ['all fields', GOOD],
    ['no optional field', { course_id: 'DemoX', mode: 'audit' }],
    ['an optional field that is undefined', { ...GOOD, seat: undefined }],
    ['an object in a field without a type', { ...GOOD, mode: { nested: [1, null, 'x'] } }],
    ['null in a field without a type', { ...GOOD, mode: null }],
    ['an empty string and a zero', { course_id: '', seat: 0, mode: '' }],
    ['data just below maxEventSize', { ...GOOD, mode: 'x'.repeat(1_000_000) }],
  ])('is not reported for %s', (_what, data) => {
    const { tracker, emit, logger } = tracked();
    emit(NAME, data);
    expect(tracker.violations).toEqual([]);
    expect(tracker.stats().violations).toEqual({});
    expect(logger.warn).not.toHaveBeenCalled();
  });

  it.each<[string, unknown[], unknown[]]>([
    ['string', ['', 'x'], [1, null, new Date(0), ['x']]],
    ['number', [1.5, -1, 0], ['1', null, true]],
    ['integer', [1, -1, 0], [1.5, '1', null]],
    ['boolean', [true, false], ['true', 0, null]],
    ['date', [new Date(0)], [{}, null, true, new Date(Number.NaN)]],
    ['array', [[], [1]], [{}, 'x', null]],
    ['object', [{}, { a: 1 }], ['x', 1, null]],
  ])('is reported for exactly the values that are not of the type %s', (type, good, bad) => {
    const Typed = defineEvent('typed', {
      description: '',
      fields: { value: { description: '', type: type as 'string' } },
    });
    for (const value of good) {
      const { emit, kinds } = tracked();
      emit(Typed, { value });
      expect([value, kinds()]).toEqual([value, []]);
    }
    for (const value of bad) {
      const { emit, kinds, recording } = tracked();
      emit(Typed, { value });
      expect([value, kinds().includes('invalid')]).toEqual([value, true]);
      expect(recording.events).toHaveLength(1);
    }
  });

  it('is not reported for nested keys', () => {
    const { tracker, emit } = tracked();
    emit(NAME, { ...GOOD, mode: { course_id: 7, tutor: 'Ada' } });
    expect(tracker.violations).toEqual([]);
  });

  it('is not reported if its type describes no fields', () => {
    const { tracker, emit } = tracked({ eventTypes: [] });
    tracker.register('a', 'Something happened');
    emit(defineEvent('b', { description: 'Something happened' }), { anything: 1 });
    emit('a', { anything: 1 });
    expect(tracker.violations).toEqual([]);
  });

  it('is reported for keys named like properties of Object.prototype', () => {
    const { tracker, emit, kinds } = tracked();
    tracker.register('odd', '', JSON.parse('{ "__proto__": "a", "constructor": "b" }') as {});
    emit('odd', {});
    expect(tracker.stats().violations).toMatchObject({ 'missing-field': expect.any(Number) });
    emit(NAME, JSON.parse('{ "course_id": "DemoX", "mode": "", "__proto__": 1 }'));
    expect(kinds()).toContain('extra-field');
  });

  it('is reported if its data exceed maxEventSize', () => {
    const { emit, kinds } = tracked({ maxEventSize: 1_000 });
    emit(NAME, { ...GOOD, mode: 'x'.repeat(100) });
    expect(kinds()).toEqual([]);
    emit(NAME, { ...GOOD, mode: 'x'.repeat(2_000) });
    expect(kinds()).toEqual(['oversized']);
  });

  it('is reported by the name of a context that JSON cannot represent, and has it as text', () => {
    const { tracker, emit, recording } = tracked();
    tracker.context('session', { user: 7n }, () => emit(NAME, GOOD));
    expect(tracker.violations).toMatchObject([{ kind: 'unserialisable', name: 'session' }]);
    expect(recording.events).toMatchObject([{ context: { user: '7' }, data: GOOD }]);
  });
});

describe('An unregistered event', () => {
  it('is not reported if no event type is registered', () => {
    const { tracker, emit, logger } = tracked({ eventTypes: [] });
    emit('anything', { at: 'all' });
    tracker.register(defineContext('session', { description: 'A context, and no event' }));
    emit('anything');
    expect(tracker.violations).toEqual([]);
    expect(logger.warn).not.toHaveBeenCalled();
  });

  it('is reported from the first registration on', () => {
    const { tracker, emit } = tracked({ eventTypes: [] });
    emit('anything');
    tracker.register(NAME, '');
    emit('anything');
    expect(tracker.violations).toMatchObject([
      { kind: 'unregistered', name: 'anything', count: 1 },
    ]);
  });

  it('is reported by a strict tracker even if no event type is registered', async () => {
    const { tracker, emit } = tracked({ eventTypes: [], strict: true });
    emit('anything');
    expect(await rejectionOf(tracker.flush())).toBeInstanceOf(EventViolationError);
  });

  it('is logged once for each name', () => {
    const { tracker, emit, logger } = tracked();
    for (const name of ['a', 'b', 'a', 'c', 'b']) emit(name);
    expect(logger.warn).toHaveBeenCalledTimes(3);
    expect(tracker.violations.map(({ name, count }) => [name, count])).toEqual([
      ['a', 2],
      ['b', 2],
      ['c', 1],
    ]);
  });
});

describe('A violation', () => {
  it('has the first message, the count and the code location of the event', () => {
    const { tracker, emit } = tracked();
    function enrol(extra: string): void {
      emit(NAME, { ...GOOD, [extra]: 1 });
    }
    enrol('first_extra');
    enrol('second_extra');
    const [violation, ...others] = tracker.violations;
    expect(others).toEqual([]);
    expect(violation).toEqual({
      kind: 'extra-field',
      name: NAME,
      count: 2,
      message: expect.stringMatching(/first_extra/),
      call_site: expect.stringContaining(`${HERE}:`),
    });
    expect(violation!.call_site).toMatch(/:\d+:\d+$/);
  });

  it.each<[string, typeof Error.prepareStackTrace]>([
    ['returns lists', (_error, frames) => frames],
    [
      'throws',
      () => {
        throw new Error('no stacks');
      },
    ],
  ])('needs no stack trace: events are delivered if Error.prepareStackTrace %s', (_, prepare) => {
    const { tracker, emit, recording, kinds } = tracked();
    const { prepareStackTrace } = Error;
    Error.prepareStackTrace = prepare;
    try {
      emit(NAME, { ...GOOD, tutor: 'Ada' });
      tracker.register('course.left', 'Somebody left a course.');
      emit(defineEvent('course.found', { description: 'Somebody found a course.' }));
    } finally {
      Error.prepareStackTrace = prepareStackTrace;
    }
    expect(recording.events.map(({ name }) => name)).toEqual([NAME, 'course.found']);
    expect(kinds()).toEqual(['extra-field']);
    expect(tracker.violations[0]!.call_site).toBe('');
  });

  it('is logged once a minute and always counted', () => {
    vi.useFakeTimers({ now: 0, toFake: ['Date', 'performance', 'setTimeout'] });
    const { tracker, emit, logger } = tracked();
    const warnings = (): number =>
      logger.warn.mock.calls.filter(([line]) => line.includes('no registered type')).length;
    for (let time = 0; time < 100; time++) emit('course.left');
    expect(logger.warn).toHaveBeenCalledTimes(1);
    expect(warnings()).toBe(1);
    vi.advanceTimersByTime(59_000);
    emit('course.left');
    expect(logger.warn).toHaveBeenCalledTimes(1);
    emit(NAME, {});
    expect(logger.warn).toHaveBeenCalledTimes(2);
    vi.advanceTimersByTime(2_000);
    emit('course.left');
    expect(warnings()).toBe(2);
    expect(logger.warn.mock.calls.join('\n')).toMatch(/\b100\b/);
    expect(tracker.stats().violations).toEqual({ unregistered: 102, 'missing-field': 1 });
  });

  it('is counted at most once per event and kind', () => {
    const other = 'other.name';
    const step = fc.record({
      name: fc.constantFrom(NAME, 'unheard.of', other),
      data: fc.record(
        {
          course_id: fc.constantFrom('DemoX', 7),
          mode: fc.constantFrom('audit', 8n),
          tutor: fc.constant('Ada'),
        },
        { requiredKeys: [] },
      ),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { tracker, emit, recording } = tracked();
        tracker.register(other, 'Anything goes');
        const expected = new Map<string, number>();
        const count = (kind: ViolationKind, name: string): void => {
          expected.set(`${kind} ${name}`, (expected.get(`${kind} ${name}`) ?? 0) + 1);
        };
        for (const { name, data } of steps) {
          emit(name, data);
          if (data.mode === 8n) count('unserialisable', name);
          if (name === 'unheard.of') count('unregistered', name);
          if (name !== NAME) continue;
          if ('tutor' in data) count('extra-field', name);
          if (!('course_id' in data && 'mode' in data)) count('missing-field', name);
          if (data.course_id === 7) count('invalid', name);
        }
        const found = tracker.violations.map(({ kind, name, count }) => [`${kind} ${name}`, count]);
        expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
        expect(found).toHaveLength(expected.size);

        const stats = tracker.stats();
        const byKind: Record<string, number> = {};
        for (const { kind, count } of tracker.violations) {
          byKind[kind] = (byKind[kind] ?? 0) + count;
        }
        expect(stats.violations).toEqual(byKind);
        expect(stats).toMatchObject({ arrived: steps.length, delivered: steps.length });
        expect(unaccountedEvents(stats)).toBe(0);
        expect(recording.events).toHaveLength(steps.length);
      }),
    );
  });

  it('is kept in a bounded list, and counted even beyond the bound', () => {
    const { tracker, emit } = tracked();
    for (let index = 0; index < 5_000; index++) emit(`name.${index}`);
    expect(tracker.stats().violations).toEqual({ unregistered: 5_000 });
    expect(tracker.violations.length).toBeLessThan(1_100);
    expect(tracker.violations.reduce((sum, { count }) => sum + count, 0)).toBe(5_000);
  });
});

describe('A validator', () => {
  it('reports issues with their paths', () => {
    const { tracker, emit } = tracked();
    emit(
      validated(() => ({
        issues: [
          { message: 'too short', path: ['course', { key: 'id' }, 0] },
          { message: 'not at all' },
        ],
      })),
    );
    expect(tracker.violations).toMatchObject([{ kind: 'invalid', name: 'validated', count: 1 }]);
    expect(tracker.violations[0]!.message).toMatch(/course\.id.*too short[^]*not at all/);
  });

  it.each([
    ['a value', () => ({ value: {} })],
    ['a value asynchronously', async () => ({ value: {} })],
    ['undefined issues', () => ({ value: {}, issues: undefined })],
  ])('that returns %s reports no violation', async (_what, validate) => {
    const { tracker, emit, logger } = tracked();
    emit(validated(validate));
    await tracker.flush();
    expect(tracker.violations).toEqual([]);
    expect(logger.warn).not.toHaveBeenCalled();
  });

  it('that changes its input does not change the event', async () => {
    const { tracker, emit, recording } = tracked();
    const changing = validated(async (value) => {
      const data = value as { course_id: string; tutors: string[] };
      data.course_id = 'changed';
      data.tutors.push('changed');
      return { value: { course_id: 'changed' } };
    });
    emit(changing, { course_id: 'DemoX', tutors: ['Ada'] });
    await tracker.flush();
    expect(recording.events).toMatchObject([{ data: { course_id: 'DemoX', tutors: ['Ada'] } }]);
  });

  it('is awaited by flush', async () => {
    const { tracker, emit, recording } = tracked({ strict: true });
    const answer = deferred<SchemaResult>();
    emit(validated(() => answer.promise));
    expect(recording.events).toHaveLength(1);
    expect(tracker.violations).toEqual([]);
    let hasEnded = false;
    const flushed = rejectionOf(tracker.flush()).finally(() => (hasEnded = true));
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(hasEnded).toBe(false);
    answer.resolve({ issues: [{ message: 'found late' }] });
    expect((await flushed).message).toContain('found late');
    expect(tracker.violations).toMatchObject([
      { kind: 'invalid', call_site: expect.stringContaining(HERE) },
    ]);
  });

  it('that never settles does not delay flush beyond its deadline', async () => {
    const { tracker, emit, recording } = tracked();
    emit(validated(() => new Promise(() => {})));
    await tracker.flush({ signal: AbortSignal.abort() });
    await tracker.close({ signal: AbortSignal.abort() });
    expect(recording.events).toHaveLength(1);
  });

  const revoked = (): object => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  };

  const broken = (): never => {
    throw new Error('the validator is broken');
  };
  /** Invalid results of a validator. */
  const ANSWERS: [string, () => unknown][] = [
    ['nothing', () => undefined],
    ['null', () => null],
    ['a revoked proxy', revoked],
    ['issues that are not a list', () => ({ issues: 7 })],
    ['issues of the wrong type', () => ({ issues: [undefined, null, 7, {}] })],
    ['an issue with a revoked path', () => ({ issues: [{ message: 'x', path: revoked() }] })],
    [
      'an issue whose message throws',
      () => ({ issues: [Object.create({}, { message: { get: broken } })] }),
    ],
    [
      'an issue with symbols for a path',
      () => ({ issues: [{ message: 'x', path: [Symbol('key')] }] }),
    ],
  ];
  const HOSTILE: [string, () => unknown][] = [
    ['throws an error', broken],
    [
      'throws nothing in particular',
      () => {
        throw undefined;
      },
    ],
    ['rejects', () => Promise.reject(new Error('the validator is broken'))],
    ['rejects with a revoked proxy', () => Promise.reject(revoked())],
    ['is half a promise', () => ({ then: broken })],
    ...ANSWERS.flatMap(([what, answer]): [string, () => unknown][] => [
      [`answers ${what}`, answer],
      [`resolves to ${what}`, () => Promise.resolve().then(answer)],
    ]),
  ];

  it.each(HOSTILE)(
    'that %s does not affect the caller or the delivery',
    async (_what, validate) => {
      const surfaced: unknown[] = [];
      const surface = (reason: unknown): void => void surfaced.push(reason);
      process.on('unhandledRejection', surface).on('uncaughtException', surface);
      const { tracker, emit, recording, logger } = tracked();
      expect(() => emit(validated(validate), { course_id: 'DemoX' })).not.toThrow();
      await tracker.flush();
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
      process.off('unhandledRejection', surface).off('uncaughtException', surface);
      expect(surfaced).toEqual([]);
      expect(recording.events).toMatchObject([{ data: { course_id: 'DemoX' } }]);
      expect(logger.warn.mock.calls.length + logger.error.mock.calls.length).toBeGreaterThan(0);
      expect(unaccountedEvents(tracker.stats())).toBe(0);
    },
  );

  it('does not replace the check of the fields', () => {
    const { tracker, emit } = tracked();
    const Both = defineEvent('both', {
      description: '',
      fields: { course_id: 'The course.' },
      schema: validator((value) => ({ value }) as SchemaResult),
    });
    emit(Both, { course_id: 'DemoX', tutor: 'Ada' });
    expect(tracker.violations).toMatchObject([{ kind: 'extra-field', name: 'both' }]);
  });

  it('can receive data that throw when they are read', async () => {
    const { tracker, emit, recording } = tracked();
    const hostile = {
      get course_id(): string {
        throw new Error('no');
      },
    };
    const read = validated((value) => ({ value: { ...(value as object) } }));
    expect(() => {
      emit(read, hostile);
      emit(read, revoked());
      emit(NAME, hostile);
      emit(NAME, revoked());
    }).not.toThrow();
    await tracker.flush();
    expect(recording.events).toHaveLength(4);
    expect(unaccountedEvents(tracker.stats())).toBe(0);
  });
});

describe('A strict tracker', () => {
  let delivered: MemoryBackend;
  let closed: number;
  let backend: Backend;

  beforeEach(() => {
    delivered = new MemoryBackend();
    closed = 0;
    backend = {
      send: async (event) => {
        await new Promise((resolve) => setImmediate(resolve));
        delivered.send(event);
      },
      close: async () => void closed++,
    };
  });

  it('flushes and closes without an error if there are no violations', async () => {
    const { tracker } = tracked({ strict: true, backends: { backend } });
    tracker.emit(CourseEnrolled, GOOD);
    await tracker.flush();
    await tracker.close();
    expect(delivered.events).toHaveLength(1);
    expect(closed).toBe(1);
  });

  it('delivers all events, then rejects with the violations and their code locations', async () => {
    const { tracker, emit } = tracked({ strict: true, backends: { backend } });
    emit(NAME, { ...GOOD, tutor: 'Ada' });
    emit('course.left');
    const error = await rejectionOf(tracker.flush());
    expect(delivered.events.map(({ name }) => name)).toEqual([NAME, 'course.left']);
    expect(error).toBeInstanceOf(EventViolationError);
    expect(error).toBeInstanceOf(EventTrackingError);
    expect(error.code).toEqual(expect.any(String));
    expect(error.violations).toEqual(tracker.violations);
    expect(error.violations.map(({ kind }) => kind)).toEqual(['extra-field', 'unregistered']);
    for (const { message, call_site } of error.violations) {
      expect(error.message).toContain(call_site);
      expect(call_site).toContain(HERE);
      expect(error.message).toMatch(/tutor[^]*course\.left/);
      expect(message).not.toBe('');
    }
  });

  it('rejects each flush with all violations so far', async () => {
    const { tracker, emit } = tracked({ strict: true, backends: { backend } });
    emit('a');
    expect((await rejectionOf(tracker.flush())).violations).toHaveLength(1);
    expect((await rejectionOf(tracker.flush())).violations).toHaveLength(1);
    emit('b');
    expect((await rejectionOf(tracker.flush())).violations).toHaveLength(2);
    expect((await rejectionOf(tracker.close())).violations).toHaveLength(2);
  });

  it('closes its backends before close rejects', async () => {
    const { tracker, emit } = tracked({ strict: true, backends: { backend } });
    emit('course.left');
    expect(await rejectionOf(tracker.close())).toBeInstanceOf(EventViolationError);
    expect(delivered.events).toHaveLength(1);
    expect(closed).toBe(1);
  });

  it('never throws from emit', () => {
    const { emit } = tracked({ strict: true, backends: { backend } });
    expect(() => {
      emit('course.left');
      emit(NAME, 7);
      emit(undefined, Symbol('data'));
    }).not.toThrow();
  });

  it('must be configured: by default, violations do not reject flush and close', async () => {
    const { tracker, emit } = tracked({ backends: { backend } });
    emit('course.left');
    await tracker.flush();
    await tracker.close();
    expect(tracker.violations).toHaveLength(1);
  });
});
