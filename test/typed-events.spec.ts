import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { type } from 'arktype';
import {
  defineContext,
  defineEvent,
  EmitEvent,
  TrackContext,
  Tracker,
  type ContextValuesOf,
  type EventDataOf,
  type EventsOf,
} from 'nestjs-event-tracking';
import { RecordingBackend } from 'nestjs-event-tracking/testing';
import * as v from 'valibot';
import { describe, expect, expectTypeOf, it, vi } from 'vitest';
import * as z from 'zod';
import { NestProject } from './support/nest-project.js';

const CourseEnrolled = defineEvent('course.enrolled', {
  description: 'Somebody got a seat in a course.',
  fields: {
    course_id: { description: 'The course.', type: 'string' },
    seat: { description: 'The seat.', type: 'integer', optional: true },
    mode: 'How it is paid for.',
  },
});
const CourseViewed = defineEvent('course.viewed', { description: 'Somebody looked at a course.' });
const Everything = defineEvent('everything', {
  description: 'One field of each type.',
  fields: {
    string: { description: '', type: 'string' },
    number: { description: '', type: 'number' },
    integer: { description: '', type: 'integer' },
    boolean: { description: '', type: 'boolean' },
    date: { description: '', type: 'date' },
    array: { description: '', type: 'array' },
    object: { description: '', type: 'object' },
  },
});

const description = 'An order was paid.';
const ByZod = defineEvent('order.paid', {
  description,
  schema: z.object({
    order_id: z.string().min(1).describe('The order.'),
    amount: z.number().positive(),
    coupon: z.string().optional(),
  }),
});
const ByValibot = defineEvent('order.paid', {
  description,
  schema: toStandardJsonSchema(
    v.object({
      order_id: v.pipe(v.string(), v.minLength(1), v.description('The order.')),
      amount: v.pipe(v.number(), v.gtValue(0)),
      coupon: v.optional(v.string()),
    }),
  ),
});
const ByArkType = defineEvent('order.paid', {
  description,
  schema: type({ order_id: 'string > 0', amount: 'number > 0', 'coupon?': 'string' }),
});
const ByFields = defineEvent('order.paid', {
  description,
  fields: {
    order_id: { description: 'The order.', type: 'string' },
    amount: { description: 'How much.', type: 'number' },
    coupon: { description: 'What made it cheaper.', type: 'string', optional: true },
  },
});

const SessionContext = defineContext('session', {
  description: 'Somebody is logged in.',
  fields: { user_id: { description: 'Who.', type: 'integer' } },
});
const TenantContext = defineContext('tenant', {
  description: 'What happens at a customer.',
  schema: z.object({ tenant: z.enum(['acme', 'umbrella']) }),
});

/** The exports of a module that declares events, among other values, which are ignored. */
const events = { CourseEnrolled, CourseViewed, ByZod, SessionContext, version: 1, helper: () => 1 };
type AppEvents = EventsOf<typeof events>;

/** Holds code that is compiled but never runs. */
function compiled(_check: () => void): void {}

describe('The compiler', () => {
  it('infers the data of event types', () => {
    expectTypeOf<EventDataOf<typeof CourseEnrolled>>().toEqualTypeOf<{
      readonly course_id: string;
      readonly seat?: number | undefined;
      readonly mode: unknown;
    }>();
    expectTypeOf<EventDataOf<typeof Everything>>().toEqualTypeOf<{
      readonly string: string;
      readonly number: number;
      readonly integer: number;
      readonly boolean: boolean;
      readonly date: Date;
      readonly array: readonly unknown[];
      readonly object: object;
    }>();
    interface Paid {
      order_id: string;
      amount: number;
      coupon?: string | undefined;
    }
    expectTypeOf<EventDataOf<typeof ByZod>>().toExtend<Paid>();
    expectTypeOf<EventDataOf<typeof ByValibot>>().toExtend<Paid>();
    expectTypeOf<EventDataOf<typeof ByArkType>>().toExtend<Paid>();
    expectTypeOf<EventDataOf<typeof ByFields>>().toExtend<Paid>();
    expectTypeOf(CourseEnrolled.name).toEqualTypeOf<'course.enrolled'>();
    expectTypeOf<ContextValuesOf<typeof SessionContext>>().toEqualTypeOf<{
      readonly user_id: number;
    }>();
    expectTypeOf<ContextValuesOf<typeof TenantContext>>().toEqualTypeOf<{
      tenant: 'acme' | 'umbrella';
    }>();
  });

  it('accepts the input type of a schema, not its output type', () => {
    const Lenient = defineEvent('lenient', {
      description: '',
      schema: z.object({
        at: z.string().transform((text) => new Date(text)),
        mode: z.string().default('audit'),
      }),
    });
    expectTypeOf<EventDataOf<typeof Lenient>>().toEqualTypeOf<{
      at: string;
      mode?: string | undefined;
    }>();
    const tracker = new Tracker();
    tracker.emit(Lenient, { at: '2026-05-06' });
    // @ts-expect-error that is what it becomes
    compiled(() => tracker.emit(Lenient, { at: new Date() }));
  });

  it('rejects data that do not match the event type, for any tracker', () => {
    const tracker = new Tracker();
    compiled(() => {
      tracker.emit(CourseEnrolled, { course_id: 'DemoX', mode: 'audit' });
      tracker.emit(CourseEnrolled, { course_id: 'DemoX', mode: 1, seat: 12 });
      tracker.emit(CourseViewed);
      tracker.emit(CourseViewed, { anything: 1 });
      tracker.emit('any.name', { anything: 1 });
      tracker.emit('any.name');
      tracker.emit();
      // @ts-expect-error data are required
      tracker.emit(CourseEnrolled);
      // @ts-expect-error a field is missing
      tracker.emit(CourseEnrolled, { course_id: 'DemoX' });
      // @ts-expect-error a field is of another type
      tracker.emit(CourseEnrolled, { course_id: 7, mode: 'audit' });
      // @ts-expect-error a field is too many
      tracker.emit(CourseEnrolled, { course_id: 'DemoX', mode: 'audit', tutor: 'Ada' });
      // @ts-expect-error null is not an integer
      tracker.emit(CourseEnrolled, { course_id: 'DemoX', mode: 'audit', seat: null });
      // @ts-expect-error data are an object
      tracker.emit('any.name', 7);
      // @ts-expect-error a context type is not an event type
      tracker.emit(SessionContext, { user_id: 7 });
    });
  });

  it.each([
    ['zod', ByZod],
    ['valibot', ByValibot],
    ['arktype', ByArkType],
    ['fields', ByFields],
  ])('rejects data whose type %s would reject', () => {
    const tracker = new Tracker();
    compiled(() => {
      tracker.emit(ByZod, { order_id: 'A1', amount: 5 });
      tracker.emit(ByValibot, { order_id: 'A1', amount: 5 });
      tracker.emit(ByArkType, { order_id: 'A1', amount: 5 });
      tracker.emit(ByFields, { order_id: 'A1', amount: 5 });
      // @ts-expect-error a field is missing
      tracker.emit(ByZod, { order_id: 'A1' });
      // @ts-expect-error a field is missing
      tracker.emit(ByValibot, { order_id: 'A1' });
      // @ts-expect-error a field is missing
      tracker.emit(ByArkType, { order_id: 'A1' });
      // @ts-expect-error a field is missing
      tracker.emit(ByFields, { order_id: 'A1' });
      // @ts-expect-error a field is of another type
      tracker.emit(ByZod, { order_id: 'A1', amount: '5' });
      // @ts-expect-error a field is of another type
      tracker.emit(ByValibot, { order_id: 'A1', amount: '5' });
      // @ts-expect-error a field is of another type
      tracker.emit(ByArkType, { order_id: 'A1', amount: '5' });
      // @ts-expect-error a field is of another type
      tracker.emit(ByFields, { order_id: 'A1', amount: '5' });
      // @ts-expect-error data are required
      tracker.emit(ByZod);
      // @ts-expect-error data are required
      tracker.emit(ByValibot);
      // @ts-expect-error data are required
      tracker.emit(ByArkType);
      // @ts-expect-error data are required
      tracker.emit(ByFields);
    });
  });

  it('rejects unknown names and wrong data for a tracker with declared events', () => {
    expectTypeOf<keyof AppEvents>().toEqualTypeOf<
      'course.enrolled' | 'course.viewed' | 'order.paid'
    >();
    const tracker = new Tracker<AppEvents>();
    compiled(() => {
      tracker.emit('course.enrolled', { course_id: 'DemoX', mode: 'audit' });
      tracker.emit(CourseEnrolled, { course_id: 'DemoX', mode: 'audit' });
      tracker.emit('course.viewed');
      tracker.emit('order.paid', { order_id: 'A1', amount: 5 });
      // @ts-expect-error no event has the name
      tracker.emit('course.enroled', { course_id: 'DemoX', mode: 'audit' });
      // @ts-expect-error a name is required
      tracker.emit();
      // @ts-expect-error a name is required
      tracker.emit(undefined, {});
      // @ts-expect-error nor is any string one of the names
      tracker.emit('course.enrolled' as string);
      // @ts-expect-error the tracker knows no such event
      tracker.emit(Everything, {} as EventDataOf<typeof Everything>);
      // @ts-expect-error data are required
      tracker.emit('course.enrolled');
      // @ts-expect-error a field is missing
      tracker.emit('course.enrolled', { course_id: 'DemoX' });
      // @ts-expect-error a field is of another type
      tracker.emit('order.paid', { order_id: 'A1', amount: '5' });
      // @ts-expect-error a field is too many
      tracker.emit('order.paid', { order_id: 'A1', amount: 5, tutor: 'Ada' });
      // @ts-expect-error these are the data of another event
      tracker.emit('order.paid', { course_id: 'DemoX', mode: 'audit' });
    });
  });

  it('prints the fields of an event type in its errors', async () => {
    await using project = await NestProject.of({
      'wrong.ts': `
        import { defineEvent, Tracker } from 'nestjs-event-tracking';
        const Enrolled = defineEvent('course.enrolled', {
          description: 'Somebody got a seat.',
          fields: {
            seat: { description: 'Its number.', type: 'integer' },
            plan: { description: 'Free, or certificate.', type: 'string', optional: true },
          },
        });
        new Tracker().emit(Enrolled, { seat: 1, sead: 2 });
      `,
    });
    expect(await project.compile()).toContain(
      `'sead' does not exist in type '{ readonly seat: number; readonly plan?: string | undefined; }'`,
    );
  });

  it('derives events from a list as well as from a module', () => {
    const list = [CourseEnrolled, CourseViewed] as const;
    expectTypeOf<EventsOf<typeof list>>().toEqualTypeOf<
      EventsOf<{ CourseEnrolled: typeof CourseEnrolled; CourseViewed: typeof CourseViewed }>
    >();
    const tracker = new Tracker<EventsOf<typeof list>>({ eventTypes: list });
    // @ts-expect-error it is not in the list
    compiled(() => tracker.emit('order.paid', { order_id: 'A1', amount: 5 }));
    expect(tracker.records).toHaveLength(2);
  });

  it('accepts a tracker with declared events as a plain tracker', () => {
    const known: Tracker<AppEvents> = new Tracker();
    compiled(() => {
      known.register('another', 'Something else', { field: 'A field' });
      known.context('session', { user_id: 7 }, () => {});
      known.enterContext('session', { user_id: 7 }, 'Somebody is logged in.', { user_id: 'Who.' });
    });
    expect(known.name).toBe('default');
  });

  it('rejects values that do not match the context type', () => {
    const tracker = new Tracker();
    const result = tracker.context(SessionContext, { user_id: 7 }, () => 'returned' as const);
    expectTypeOf(result).toEqualTypeOf<'returned'>();
    compiled(() => {
      tracker.enterContext(TenantContext, { tenant: 'acme' });
      tracker.exitContext(TenantContext);
      // @ts-expect-error a field is of another type
      tracker.context(SessionContext, { user_id: '7' }, () => {});
      // @ts-expect-error a field is missing
      tracker.enterContext(SessionContext, {});
      // @ts-expect-error the value is not one of the literals
      tracker.enterContext(TenantContext, { tenant: 'somebody' });
      // @ts-expect-error an event type is not a context type
      tracker.enterContext(CourseEnrolled, { course_id: 'DemoX', mode: 'audit' });
    });
  });

  it('rejects values that do not match in decorators', () => {
    compiled(() => {
      EmitEvent(CourseEnrolled, { data: { course_id: 'DemoX', mode: 'audit' } });
      EmitEvent(CourseEnrolled, { data: ({ args: [id] }) => ({ course_id: String(id), mode: 1 }) });
      EmitEvent(CourseViewed);
      TrackContext(SessionContext, { user_id: 7 });
      TrackContext(SessionContext, ({ args: [id] }) => ({ user_id: Number(id) }));
      // @ts-expect-error data are required
      EmitEvent(CourseEnrolled);
      // @ts-expect-error data are required
      EmitEvent(CourseEnrolled, { on: 'error' });
      // @ts-expect-error a field is missing
      EmitEvent(CourseEnrolled, { data: { course_id: 'DemoX' } });
      // @ts-expect-error a field is of another type
      EmitEvent(CourseEnrolled, { data: () => ({ course_id: 7, mode: 'audit' }) });
      // @ts-expect-error a field is of another type
      TrackContext(SessionContext, { user_id: '7' });
      // @ts-expect-error a field is missing
      TrackContext(SessionContext, () => ({}));
      // @ts-expect-error values are required
      TrackContext(SessionContext);
    });
  });

  it('rejects incomplete and invalid definitions', () => {
    compiled(() => {
      // @ts-expect-error the description is missing
      defineEvent('a', {});
      // @ts-expect-error the type of the field is unknown
      defineEvent('a', { description: '', fields: { b: { description: '', type: 'text' } } });
      // @ts-expect-error a field without a description
      defineEvent('a', { description: '', fields: { b: { type: 'string' } } });
      // @ts-expect-error the schema is not a Standard Schema
      defineEvent('a', { description: '', schema: { parse: () => {} } });
      // @ts-expect-error data are objects
      defineEvent('a', { description: '', schema: z.string() });
      // @ts-expect-error the description is missing
      defineContext('a', { fields: {} });
    });
  });
});

describe.each([
  ['zod', ByZod],
  ['valibot', ByValibot],
  ['arktype', ByArkType],
])('A schema of %s', (library, OrderPaid) => {
  function tracked() {
    const recording = new RecordingBackend();
    const logger = {
      warn: vi.fn<(text: string) => void>(),
      error: vi.fn<(text: string) => void>(),
    };
    const tracker = new Tracker({ backends: { recording }, eventTypes: [OrderPaid], logger });
    const emit = tracker.emit.bind(tracker) as (name: unknown, data?: unknown) => void;
    return { tracker, emit, recording, logger };
  }

  it.each([
    ['all fields', { order_id: 'A1', amount: 5, coupon: 'SPRING' }],
    ['only the required fields', { order_id: 'A1', amount: 0.01 }],
  ])('accepts %s', async (_what, data) => {
    const { tracker, emit, recording } = tracked();
    emit('order.paid', data);
    await tracker.flush();
    expect(tracker.violations).toEqual([]);
    expect(recording.events).toMatchObject([{ data, name_id: tracker.records[0]!.id }]);
  });

  it.each([
    ['a string that is too short', { order_id: '', amount: 5 }, 'order_id'],
    ['a number that is too small', { order_id: 'A1', amount: -5 }, 'amount'],
    ['a field of another type', { order_id: 'A1', amount: '5' }, 'amount'],
    ['an optional field of another type', { order_id: 'A1', amount: 5, coupon: 5 }, 'coupon'],
    ['a missing field', { amount: 5 }, 'order_id'],
  ])('reports %s, and the event is still delivered', async (_what, data, field) => {
    const { tracker, emit, recording, logger } = tracked();
    emit(OrderPaid, data);
    await tracker.flush();
    expect(recording.events.map((event) => event.data)).toEqual([data]);
    const invalid = tracker.violations.find(({ kind }) => kind === 'invalid');
    expect(invalid).toMatchObject({ name: 'order.paid', count: 1 });
    expect(invalid!.message).toContain(field);
    expect(logger.warn.mock.calls.join('\n')).toContain(field);
  });

  it('reports data that are not an object', () => {
    for (const data of [7, 'text', [1], null]) {
      const { tracker, emit, recording } = tracked();
      expect(() => emit(OrderPaid, data)).not.toThrow();
      expect(tracker.violations.map(({ kind }) => kind)).toContain('invalid');
      expect(recording.events).toHaveLength(1);
    }
  });

  it('describes the fields and their optionality', () => {
    const { tracker } = tracked();
    const [record] = tracker.records;
    expect(record!.fields.map(({ name, optional }) => [name, optional === true])).toEqual([
      ['amount', false],
      ['coupon', true],
      ['order_id', false],
    ]);
    expect(record!.schema).toMatchObject({
      type: 'object',
      properties: { order_id: { type: 'string' }, amount: { type: 'number' } },
      required: expect.arrayContaining(['order_id', 'amount']),
    });
    if (library === 'arktype') return;
    expect(record!.fields.find(({ name }) => name === 'order_id')).toMatchObject({
      description: 'The order.',
    });
  });

  it('reports an unknown field', async () => {
    const { tracker, emit } = tracked();
    emit(OrderPaid, { order_id: 'A1', amount: 5, tutor: 'Ada' });
    await tracker.flush();
    expect(tracker.violations).toMatchObject([{ kind: 'extra-field' }]);
    expect(tracker.violations[0]!.message).toContain('tutor');
  });

  it('accepts unknown fields if it allows additional ones', () => {
    const warn = vi.fn<(message: string) => void>();
    const tracker = new Tracker({ logger: { warn, error: warn } });
    const schema = z.looseObject({ order_id: z.string() });
    tracker.emit(defineEvent('order.paid', { description, schema }), { order_id: '1', more: 2 });
    expect(tracker.violations).toEqual([]);
    const more: { order_id: string } = Object.assign({ order_id: '1' }, { more: 2 });
    tracker.emit(defineEvent('order.paid', { description, schema: z.object(schema.shape) }), more);
    expect(tracker.violations).toMatchObject([{ kind: 'extra-field' }]);
  });

  it('results in another metadata record when it changes', () => {
    const others = {
      zod: z.object({ order_id: z.string(), amount: z.number() }),
      valibot: toStandardJsonSchema(v.object({ order_id: v.string(), amount: v.number() })),
      arktype: type({ order_id: 'string', amount: 'number' }),
    };
    const schema = others[library as keyof typeof others] as typeof others.zod;
    const { tracker } = tracked();
    const again = tracker.register(defineEvent('order.paid', { description, schema }));
    expect(again.id).not.toBe(tracker.records[0]!.id);
    expect(tracker.records).toHaveLength(2);
  });

  it('is completed by the field descriptions of the event type', () => {
    const { tracker } = tracked();
    const Described = defineEvent('order.paid', {
      description,
      schema: OrderPaid.schema as typeof ByZod.schema & z.ZodObject,
      fields: { amount: { description: 'In euros.', example: 5 } },
    });
    expect(tracker.register(Described).fields).toMatchObject([
      { name: 'amount', description: 'In euros.', example: 5 },
      { name: 'coupon' },
      { name: 'order_id' },
    ]);
  });
});

describe('The output of a schema', () => {
  it('does not replace the emitted data', async () => {
    const recording = new RecordingBackend();
    const tracker = new Tracker({ backends: { recording } });
    const schemas = [
      z.object({ at: z.string().transform(Number), mode: z.string().default('audit') }),
      v.object({
        at: v.pipe(v.string(), v.transform(Number)),
        mode: v.optional(v.string(), 'audit'),
      }),
      type({ at: 'string.numeric.parse', mode: "string = 'audit'" }),
    ];
    for (const schema of schemas) {
      const emitted = { at: '5' };
      const Made = defineEvent('made', { description: '', schema: schema as z.ZodObject });
      tracker.emit(Made, emitted);
      expect(emitted).toEqual({ at: '5' });
    }
    await tracker.flush();
    expect(recording.events.map(({ data }) => data)).toEqual(schemas.map(() => ({ at: '5' })));
    expect(tracker.violations.filter(({ kind }) => kind === 'invalid')).toEqual([]);
  });

  it('may be asynchronous, and flush awaits it', async () => {
    const recording = new RecordingBackend();
    const tracker = new Tracker({
      backends: { recording },
      logger: { warn: vi.fn(), error: vi.fn() },
    });
    const isFree = async (seat: number): Promise<boolean> => {
      await new Promise((resolve) => setImmediate(resolve));
      return seat !== 13;
    };
    const Taken = defineEvent('seat.taken', {
      description: '',
      schema: z.object({ seat: z.number().refine(isFree, 'is not free') }),
    });
    tracker.emit(Taken, { seat: 12 });
    tracker.emit(Taken, { seat: 13 });
    await tracker.flush();
    expect(recording.events).toHaveLength(2);
    expect(tracker.violations).toMatchObject([{ kind: 'invalid', count: 1 }]);
    expect(tracker.violations[0]!.message).toContain('is not free');
  });
});
