import {
  EventEmissionExit,
  getTracker,
  MemoryBackend,
  NameAllowlist,
  RegexFilter,
  registerTracker,
  RoutingBackend,
  serializeEvent,
  Tracker,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import { beforeEach, describe, expect, it } from 'vitest';

const PROBLEM = { problem_id: 'i4x://MITx/6.00x/problem/L15:L15_Problem_2' };

/** Returns the properties that the reference documentation prints, which omits the time. */
function printed({ name, context, data }: TrackingEvent): object {
  return { name, context, data };
}

let events: MemoryBackend;
let tracker: Tracker;

beforeEach(() => {
  events = new MemoryBackend();
  tracker = new Tracker({ backends: { events } });
});

describe('The examples of the reference documentation', () => {
  it('produce the three events of the overview', () => {
    registerTracker(tracker);
    const found = getTracker();
    found.enterContext('outer', { user_id: 10938 });
    found.emit('navigation.request', { url: 'http://www.edx.org/some/path/1' });

    found.context({ user_id: 11111, session_id: '2987lkjdyoioey' }, () => {
      found.emit('navigation.request', { url: 'http://www.edx.org/some/path/2' });
    });

    found.emit('address.create', {
      name: 'foo',
      address: { postal_code: '90210', country: 'United States' },
    });
    found.exitContext('outer');

    expect(events.events.map(printed)).toEqual([
      {
        name: 'navigation.request',
        context: { user_id: 10938 },
        data: { url: 'http://www.edx.org/some/path/1' },
      },
      {
        name: 'navigation.request',
        context: { user_id: 11111, session_id: '2987lkjdyoioey' },
        data: { url: 'http://www.edx.org/some/path/2' },
      },
      {
        name: 'address.create',
        context: { user_id: 10938 },
        data: { name: 'foo', address: { postal_code: '90210', country: 'United States' } },
      },
    ]);
  });

  it('let an entered context override the outer one until it is exited', () => {
    tracker.enterContext('request', { user_id: 10938 });
    tracker.emit('navigation.request', { url: 'http://www.edx.org/some/path/1' });

    tracker.enterContext('session', { user_id: 11111, session_id: '2987lkjdyoioey' });
    tracker.emit('navigation.request', { url: 'http://www.edx.org/some/path/2' });
    tracker.exitContext('session');

    tracker.emit('navigation.request', { url: 'http://www.edx.org/some/path/3' });

    expect(events.events.map(({ context, data }) => ({ context, data }))).toEqual([
      { context: { user_id: 10938 }, data: { url: 'http://www.edx.org/some/path/1' } },
      {
        context: { user_id: 11111, session_id: '2987lkjdyoioey' },
        data: { url: 'http://www.edx.org/some/path/2' },
      },
      { context: { user_id: 10938 }, data: { url: 'http://www.edx.org/some/path/3' } },
    ]);
  });

  it('deliver an event without a registered type, without a reference to metadata', () => {
    tracker.emit('edx.problem.show_answer', PROBLEM);

    const [event] = events.events;
    expect(printed(event!)).toEqual({
      name: 'edx.problem.show_answer',
      context: {},
      data: PROBLEM,
    });
    expect(event).not.toHaveProperty('name_id');
    expect(event).not.toHaveProperty('context_type_id');
  });

  it('limit a context to a block with try and finally, even if the block throws', () => {
    const show = (): void => {
      tracker.enterContext('request', { user_id: '1234' });
      try {
        tracker.emit('edx.problem.show_answer', PROBLEM);
        throw new Error('the page could not be rendered');
      } finally {
        tracker.exitContext('request');
      }
    };

    expect(show).toThrow('the page could not be rendered');
    tracker.emit('edx.problem.show_answer', PROBLEM);

    expect(events.events.map(printed)).toEqual([
      { name: 'edx.problem.show_answer', context: { user_id: '1234' }, data: PROBLEM },
      { name: 'edx.problem.show_answer', context: {}, data: PROBLEM },
    ]);
  });

  it('serialize the sample event with the keys of its schema and an RFC 3339 time in UTC', () => {
    const context = { course_id: '', user_id: '', session_id: '', org_id: '', origin: 'client' };
    tracker.context('edX', context, () => tracker.emit('edx.problem.show_answer', PROBLEM));

    const written = JSON.parse(serializeEvent(events.events[0]!)) as Record<string, unknown>;
    expect(written).toEqual({
      id: expect.any(String),
      name: 'edx.problem.show_answer',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      context,
      data: PROBLEM,
    });
  });

  it('give an event without a name the name unknown', () => {
    tracker.emit();
    expect(printed(events.events[0]!)).toEqual({ name: 'unknown', context: {}, data: {} });
  });
});

describe('The configuration of the reference documentation', () => {
  it('routes only the listed enrolments to caliper, and all events to tracking_logs', () => {
    const caliper = new MemoryBackend();
    const trackingLogs = new MemoryBackend();
    const configured = new Tracker({
      backends: {
        caliper: new RoutingBackend({
          processors: [
            new RegexFilter({
              filterType: 'allowlist',
              regularExpressions: [
                'edx.course.enrollment.activated',
                'edx.course.enrollment.deactivated',
              ],
            }),
          ],
          backends: { caliper },
        }),
        tracking_logs: trackingLogs,
      },
    });

    configured.emit('edx.course.enrollment.activated');
    configured.emit('edx.problem.show_answer', PROBLEM);
    configured.emit('edx.course.enrollment.deactivated');

    expect(caliper.events.map(({ name }) => name)).toEqual([
      'edx.course.enrollment.activated',
      'edx.course.enrollment.deactivated',
    ]);
    expect(trackingLogs.events).toHaveLength(3);
    expect(configured.getBackend('caliper.caliper')).toBe(caliper);
  });

  it('runs three processors as c(b(a(event)))', () => {
    const step = (letter: string) => (event: TrackingEvent) => ({
      ...event,
      data: { steps: `${letter}(${String(event.data['steps'] ?? 'event')})` },
    });
    const node = new RoutingBackend({ processors: [step('a'), step('b'), step('c')] });
    tracker.emit('step.taken');

    expect(node.processEvent(events.events[0]!).data).toEqual({ steps: 'c(b(a(event)))' });
  });

  it('stops the chain and the backends of a node, but no other node, when a processor exits', () => {
    const below = new MemoryBackend();
    const beside = new MemoryBackend();
    let later = 0;
    const configured = new Tracker({
      backends: {
        exiting: new RoutingBackend({
          processors: [
            () => {
              throw new EventEmissionExit();
            },
            () => void later++,
          ],
          backends: { below },
        }),
        beside,
      },
    });
    configured.emit('edx.problem.show_answer', PROBLEM);

    expect({ later, below: below.events.length, beside: beside.events.length }).toEqual({
      later: 0,
      below: 0,
      beside: 1,
    });
  });

  it('passes exactly the names of an allowlist', () => {
    const configured = new Tracker({
      backends: { events },
      processors: [new NameAllowlist(['edx.video.stop'])],
    });
    configured.emit('edx.video.stop');
    configured.emit('edx.video.stopped');
    expect(events.events.map(({ name }) => name)).toEqual(['edx.video.stop']);
  });
});
