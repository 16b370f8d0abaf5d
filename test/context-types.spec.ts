import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import {
  defineContext,
  ImproperlyConfigured,
  InvalidContextError,
  Tracker,
  UnknownContextError,
  type ContextType,
  type MetadataRecord,
  type TrackerOptions,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import { RecordingBackend } from 'nestjs-event-tracking/testing';
import { describe, expect, it } from 'vitest';
import { deferred } from './support/deferred.js';

const HERE = fileURLToPath(import.meta.url);

const SessionContext = defineContext('session', {
  description: 'Somebody is logged in.',
  fields: { user_id: { description: 'Who.', type: 'integer' } },
});
const CourseContext = defineContext('course', {
  description: 'What happens in a course.',
  fields: { course_id: 'Which course.' },
});
const PageContext = defineContext('page', { description: 'What happens on a page.' });

/** A tracker with what it delivered. */
function tracked(options: TrackerOptions = {}) {
  const recording = new RecordingBackend();
  const tracker = new Tracker({ backends: { recording }, ...options });
  /** Emits, and tells what was delivered. */
  const emitted = (): TrackingEvent => {
    tracker.emit('something.happened');
    return recording.events.at(-1)!;
  };
  /** Emits, and tells to which contexts the event refers. */
  const reference = (): string | undefined => emitted().context_type_id;
  const record = (id: string | undefined): MetadataRecord | undefined =>
    tracker.records.find((each) => each.id === id);
  return { tracker, recording, emitted, reference, record };
}

describe('an event refers to the contexts that are described', () => {
  it('not at all where none is, and the key is absent', () => {
    const { tracker, emitted } = tracked();
    using _entered = tracker.enterContext('session', { user_id: 7 });
    expect(Object.keys(emitted())).not.toContain('context_type_id');
    expect(tracker.records).toEqual([]);
  });

  it('by the id of the only one', () => {
    const { tracker, emitted } = tracked();
    tracker.enterContext('session', { user_id: 7 }, 'Somebody is logged in.', { user_id: 'Who.' });
    const event = emitted();
    const [record, ...others] = tracker.records;
    expect(others).toEqual([]);
    expect(record).toMatchObject({
      kind: 'context',
      name: 'session',
      description: 'Somebody is logged in.',
      fields: [{ name: 'user_id', description: 'Who.' }],
      timestamp: expect.any(Date),
      stack_trace: expect.stringContaining(HERE),
    });
    expect(event).toMatchObject({ context_type_id: record!.id, context: { user_id: 7 } });
  });

  it('beside others of which nothing is said', () => {
    const { tracker, reference, record } = tracked();
    tracker.context({ anonymous: true }, () =>
      tracker.context('other', {}, () =>
        tracker.context(SessionContext, { user_id: 7 }, () =>
          tracker.context('inner', {}, () => {
            expect(record(reference())).toMatchObject({ name: 'session' });
          }),
        ),
      ),
    );
  });

  it('no longer after it was left', () => {
    const { tracker, emitted } = tracked();
    tracker.enterContext(SessionContext, { user_id: 7 });
    expect(emitted()).toHaveProperty('context_type_id');
    tracker.exitContext('session');
    expect(Object.keys(emitted())).not.toContain('context_type_id');
    {
      using _entered = tracker.enterContext(SessionContext, { user_id: 7 });
      expect(emitted()).toHaveProperty('context_type_id');
    }
    expect(Object.keys(emitted())).not.toContain('context_type_id');
    tracker.enterContext(SessionContext, { user_id: 7 });
    tracker.exitContext(SessionContext);
    expect(Object.keys(emitted())).not.toContain('context_type_id');
    expect(() => tracker.exitContext(SessionContext)).toThrow(UnknownContextError);
  });

  it('even where its description is empty', () => {
    const { tracker, reference, record } = tracked();
    tracker.enterContext('edX context', {}, '', { course_id: 'A unique course identifier' });
    expect(record(reference())).toMatchObject({
      name: 'edX context',
      description: '',
      fields: [{ name: 'course_id', description: 'A unique course identifier' }],
    });
  });

  it('by one id for several, whose record says of which', () => {
    const { tracker, reference, record } = tracked();
    const [session, course] = [SessionContext, CourseContext].map(
      (type) => tracker.register(type).id,
    );
    tracker.context(SessionContext, { user_id: 7 }, () =>
      tracker.context(CourseContext, { course_id: 'DemoX' }, () => {
        const id = reference();
        expect([session, course]).not.toContain(id);
        expect(record(id)).toMatchObject({
          kind: 'context',
          composed_of: [session, course].toSorted(),
        });
      }),
    );
  });

  it('where a context is shadowed by another of its name, to that alone', () => {
    const { tracker, reference, record } = tracked();
    tracker.context(SessionContext, { user_id: 7 }, () => {
      const outer = reference();
      tracker.context('session', { user_id: 8 }, () => expect(reference()).toBeUndefined());
      const Staff = defineContext('session', { description: 'Somebody of the staff.' });
      tracker.context(Staff, {}, () => {
        expect(record(reference())).toMatchObject({ description: 'Somebody of the staff.' });
      });
      expect(reference()).toBe(outer);
    });
  });

  it('where it is entered again in other words, to the new words', () => {
    const { tracker, reference, record } = tracked();
    tracker.enterContext('session', {}, 'Somebody is logged in.');
    const before = reference();
    tracker.enterContext('session', {}, 'Somebody is known.');
    expect(record(reference())).toMatchObject({ description: 'Somebody is known.' });
    expect(record(before)).toMatchObject({ description: 'Somebody is logged in.' });
    tracker.enterContext('session', {}, 'Somebody is logged in.');
    expect(reference()).toBe(before);
  });

  it('by name, where a context type of that name is registered', () => {
    const { tracker, reference, record, emitted } = tracked();
    const { id } = tracker.register(SessionContext);
    tracker.context('session', { user_id: 7 }, () => expect(reference()).toBe(id));
    tracker.context('course', {}, () => expect(emitted()).not.toHaveProperty('context_type_id'));
    const Revised = defineContext('session', { description: 'Somebody is known.' });
    const revised = tracker.register(Revised).id;
    tracker.context('session', { user_id: 7 }, () => expect(reference()).toBe(revised));
    tracker.context(SessionContext, { user_id: 7 }, () => expect(reference()).toBe(id));
    expect(record(revised)).toMatchObject({ description: 'Somebody is known.' });
  });

  it('and has a name_id besides, where its type is registered', () => {
    const { tracker, emitted } = tracked();
    const { id } = tracker.register('something.happened', 'Something happened');
    tracker.context(SessionContext, { user_id: 7 }, () => {
      expect(emitted()).toMatchObject({ name_id: id, context_type_id: expect.any(String) });
      expect(emitted().context_type_id).not.toBe(id);
    });
  });

  it('in each branch to those of the branch', async () => {
    const { tracker, recording, record } = tracked();
    const proceed = deferred();
    const branch = (type: ContextType) =>
      tracker.context(type, {}, async () => {
        tracker.emit(`${type.name}.before`);
        await proceed.promise;
        tracker.emit(`${type.name}.after`);
      });
    const all = Promise.all([SessionContext, CourseContext, PageContext].map(branch));
    proceed.resolve();
    await all;
    expect(recording.events).toHaveLength(6);
    for (const { name, context_type_id } of recording.events) {
      expect(record(context_type_id)?.name).toBe(name.split('.')[0]);
    }
  });

  it('by an id that depends on which are entered, and not on their order', () => {
    const types = [
      SessionContext,
      CourseContext,
      PageContext,
      defineContext('x', { description: '' }),
    ];
    const ids = new Map<string, string>();
    const sets = fc.uniqueArray(fc.constantFrom(...types), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(sets, (entered) => {
        const { tracker, reference, record } = tracked();
        const handles = entered.map((type) => tracker.enterContext(type, {}));
        const id = reference()!;
        const key = entered
          .map(({ name }) => name)
          .toSorted()
          .join();
        expect(ids.get(key) ?? id).toBe(id);
        ids.set(key, id);
        const parts = record(id)!.composed_of ?? [id];
        expect(parts).toEqual(parts.toSorted());
        expect(
          parts
            .map((part) => record(part)!.name)
            .toSorted()
            .join(),
        ).toBe(key);
        for (const handle of handles) handle[Symbol.dispose]();
        expect(reference()).toBeUndefined();
      }),
    );
    expect(new Set(ids.values()).size).toBe(ids.size);
  });

  it('is no reason to keep a record for each time that they are entered', () => {
    const { tracker, reference } = tracked();
    for (let request = 0; request < 50; request++) {
      tracker.context('other', { request }, () =>
        tracker.context(SessionContext, { user_id: request }, () => {
          using _entered = tracker.enterContext('course', { request }, 'A course', { request: '' });
          reference();
        }),
      );
    }
    expect(tracker.records).toHaveLength(3);
  });
});

describe('a context that is entered by its type', () => {
  it('is entered under its name, and what it holds is merged', () => {
    const { tracker, emitted } = tracked();
    const result = tracker.context(SessionContext, { user_id: 7 }, () => {
      expect(tracker.locatedContext.names).toEqual(['session']);
      expect(tracker.resolveContext()).toEqual({ user_id: 7 });
      return emitted().context;
    });
    expect(result).toEqual({ user_id: 7 });
  });

  it('returns what the function returns, and passes on what it throws', async () => {
    const { tracker, reference } = tracked();
    expect(await tracker.context(PageContext, {}, async () => 'done')).toBe('done');
    expect(() =>
      tracker.context(PageContext, {}, () => {
        throw new RangeError('mine');
      }),
    ).toThrow(RangeError);
    expect(reference()).toBeUndefined();
  });

  it.each([
    ['no object', () => new Tracker().enterContext(PageContext, 7 as never), InvalidContextError],
    [
      'no object of a block',
      () => new Tracker().context(PageContext, null as never, () => {}),
      InvalidContextError,
    ],
    [
      'fields that are none',
      () => new Tracker().enterContext('page', {}, 'A page.', { url: 7 as never }),
      ImproperlyConfigured,
    ],
  ])('refuses %s, and is not entered then', (_what, action, error) => {
    expect(action).toThrow(error);
  });

  it('is described for one tracker, where the locator is shared with another', () => {
    const one = tracked();
    const other = tracked({ contextLocator: one.tracker.contextLocator, name: 'audit' });
    one.tracker.context(SessionContext, { user_id: 7 }, () => {
      expect(other.emitted()).toMatchObject({ context: { user_id: 7 } });
      expect(other.reference()).toBe(one.reference());
      expect(other.record(other.reference())).toMatchObject({ name: 'session' });
    });
  });
});
