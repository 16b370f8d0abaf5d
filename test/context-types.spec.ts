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

/** Creates a tracker with its recorded events. */
function tracked(options: TrackerOptions = {}) {
  const recording = new RecordingBackend();
  const tracker = new Tracker({ backends: { recording }, ...options });
  /** Emits an event, and returns it as delivered. */
  const emitted = (): TrackingEvent => {
    tracker.emit('something.happened');
    return recording.events.at(-1)!;
  };
  /** Emits an event, and returns its context_type_id. */
  const reference = (): string | undefined => emitted().context_type_id;
  const record = (id: string | undefined): MetadataRecord | undefined =>
    tracker.records.find((each) => each.id === id);
  return { tracker, recording, emitted, reference, record };
}

describe('The context_type_id of an event', () => {
  it('is absent if no context has a description', () => {
    const { tracker, emitted } = tracked();
    using _entered = tracker.enterContext('session', { user_id: 7 });
    expect(Object.keys(emitted())).not.toContain('context_type_id');
    expect(tracker.records).toEqual([]);
  });

  it('is the id of the only context with a description', () => {
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

  it('ignores contexts without a description', () => {
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

  it('is absent after the context is exited', () => {
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

  it('is present even if the description is empty', () => {
    const { tracker, reference, record } = tracked();
    tracker.enterContext('edX context', {}, '', { course_id: 'A unique course identifier' });
    expect(record(reference())).toMatchObject({
      name: 'edX context',
      description: '',
      fields: [{ name: 'course_id', description: 'A unique course identifier' }],
    });
  });

  it('is the id of a composed record if several contexts have descriptions', () => {
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

  it('refers only to the innermost of several contexts of the same name', () => {
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

  it('refers to the latest description if a context is entered again', () => {
    const { tracker, reference, record } = tracked();
    tracker.enterContext('session', {}, 'Somebody is logged in.');
    const before = reference();
    tracker.enterContext('session', {}, 'Somebody is known.');
    expect(record(reference())).toMatchObject({ description: 'Somebody is known.' });
    expect(record(before)).toMatchObject({ description: 'Somebody is logged in.' });
    tracker.enterContext('session', {}, 'Somebody is logged in.');
    expect(reference()).toBe(before);
  });

  it('is the id of the registered type if a context is entered by name', () => {
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

  it('is independent of the name_id', () => {
    const { tracker, emitted } = tracked();
    const { id } = tracker.register('something.happened', 'Something happened');
    tracker.context(SessionContext, { user_id: 7 }, () => {
      expect(emitted()).toMatchObject({ name_id: id, context_type_id: expect.any(String) });
      expect(emitted().context_type_id).not.toBe(id);
    });
  });

  it('belongs to its own branch in concurrent code', async () => {
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

  it('depends on the set of entered contexts, but not on their order', () => {
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

  it('needs one record per combination, however often contexts are entered', () => {
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

describe('A context that is entered by its type', () => {
  it('has the name of its type, and its values are merged into events', () => {
    const { tracker, emitted } = tracked();
    const result = tracker.context(SessionContext, { user_id: 7 }, () => {
      expect(tracker.locatedContext.names).toEqual(['session']);
      expect(tracker.resolveContext()).toEqual({ user_id: 7 });
      return emitted().context;
    });
    expect(result).toEqual({ user_id: 7 });
  });

  it('passes the result and the errors of its block to the caller', async () => {
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
    [
      'a value that is not an object',
      () => new Tracker().enterContext(PageContext, 7 as never),
      InvalidContextError,
    ],
    [
      'null for a block',
      () => new Tracker().context(PageContext, null as never, () => {}),
      InvalidContextError,
    ],
    [
      'a field description of the wrong type',
      () => new Tracker().enterContext('page', {}, 'A page.', { url: 7 as never }),
      ImproperlyConfigured,
    ],
  ])('is rejected and not entered with %s', (_what, action, error) => {
    expect(action).toThrow(error);
  });

  it('is described for all trackers that share its locator', () => {
    const one = tracked();
    const other = tracked({ contextLocator: one.tracker.contextLocator, name: 'audit' });
    one.tracker.context(SessionContext, { user_id: 7 }, () => {
      expect(other.emitted()).toMatchObject({ context: { user_id: 7 } });
      expect(other.reference()).toBe(one.reference());
      expect(other.record(other.reference())).toMatchObject({ name: 'session' });
    });
  });
});
