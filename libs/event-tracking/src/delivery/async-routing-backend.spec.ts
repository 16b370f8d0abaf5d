import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MemoryBackend } from '../backends/memory-backend.js';
import type { Backend } from '../core/tree/backend.js';
import { EventEmissionExit, RetryableDeliveryError } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import { RoutingBackend } from '../core/tree/routing-backend.js';
import { Tracker } from '../core/tracker/tracker.js';
import { AsyncRoutingBackend } from './async-routing-backend.js';
import { DeliveringBackend } from './delivering-backend.js';
import { MemoryEventQueue } from './memory-event-queue.js';

const log = { warn: vi.fn<(text: string) => void>(), error: vi.fn<(text: string) => void>() };

beforeEach(() => {
  log.warn.mockReset();
  log.error.mockReset();
});

afterEach(() => vi.useRealTimers());

const delay = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

const names = (events: readonly TrackingEvent[]): string[] => events.map(({ name }) => name);

function trackerOf(backends: Record<string, Backend>): Tracker {
  return new Tracker({ backends, logger: log });
}

describe('AsyncRoutingBackend', () => {
  it('returns to the emitting code before it calls its children', async () => {
    const memory = new MemoryBackend();
    const tracker = trackerOf({ node: new AsyncRoutingBackend({ backends: { memory } }) });
    tracker.emit('sold');
    expect(memory.events).toEqual([]);
    await tracker.flush();
    expect(names(memory.events)).toEqual(['sold']);
  });

  it('runs its own processors before the queue, and never queues filtered events', async () => {
    const memory = new MemoryBackend();
    const order: string[] = [];
    const node = new AsyncRoutingBackend({
      processors: [
        ({ name }) => {
          order.push(name);
          if (name === 'noise') throw new EventEmissionExit();
        },
      ],
      backends: { memory },
    });
    const tracker = trackerOf({ node });
    tracker.emit('noise');
    tracker.emit('sold');
    expect(order).toEqual(['noise', 'sold']);
    await tracker.flush();
    expect(names(memory.events)).toEqual(['sold']);
    expect(tracker.stats().backends).toMatchObject({
      node: { arrived: 2, filtered: 1, delivered: 1 },
      'node.queue': { arrived: 1, delivered: 1, pending: 0 },
      'node.memory': { arrived: 1, delivered: 1, pending: 0 },
    });
  });

  it('awaits asynchronous processors and filters of its children in their order', async () => {
    const memory = new MemoryBackend();
    const child = new RoutingBackend({
      processors: [
        async (event) => {
          await delay(5);
          return { ...event, data: { ...event.data, first: true } };
        },
        { filter: async ({ data }: TrackingEvent) => data['keep'] === true },
        async (event) => void (event.data['second'] = event.data['first']),
      ],
      backends: { memory },
    });
    const tracker = trackerOf({ node: new AsyncRoutingBackend({ backends: { child } }) });
    tracker.emit('a', { keep: true });
    tracker.emit('b', { keep: false });
    await tracker.flush();
    expect(memory.events.map(({ name, data }) => ({ name, data }))).toEqual([
      { name: 'a', data: { keep: true, first: true, second: true } },
    ]);
    expect(tracker.stats().backends['node.child']).toMatchObject({ arrived: 2, filtered: 1 });
    expect(log.error).not.toHaveBeenCalled();
  });

  it('drops an event if an asynchronous filter rejects, and skips a processor that rejects', async () => {
    const memory = new MemoryBackend();
    const reject = async (): Promise<never> => {
      throw new Error('down');
    };
    const tracker = trackerOf({
      node: new AsyncRoutingBackend({
        backends: {
          judged: new RoutingBackend({
            processors: [{ filter: reject }],
            backends: { memory: new MemoryBackend() },
          }),
          enriched: new RoutingBackend({ processors: [reject], backends: { memory } }),
        },
      }),
    });
    tracker.emit('sold');
    await tracker.flush();
    expect(tracker.stats().backends['node.judged']).toMatchObject({
      dropped: { filter_failed: 1 },
    });
    expect(names(memory.events)).toEqual(['sold']);
    expect(log.error).toHaveBeenCalledTimes(2);
  });

  it('retries each destination separately', async () => {
    const sent: Record<string, string[]> = { good: [], bad: [] };
    let failures = 3;
    const tracker = trackerOf({
      node: new AsyncRoutingBackend({
        backends: {
          good: { send: ({ name }) => void sent['good']!.push(name) },
          bad: new DeliveringBackend(
            {
              send({ name }) {
                sent['bad']!.push(name);
                if (failures-- > 0) throw new RetryableDeliveryError('busy');
              },
            },
            { retry: { minDelay: 1 } },
          ),
        },
      }),
    });
    tracker.emit('sold');
    await tracker.flush();
    expect(sent).toEqual({ good: ['sold'], bad: ['sold', 'sold', 'sold', 'sold'] });
    expect(tracker.stats().backends).toMatchObject({
      'node.good': { delivered: 1, retried: 0 },
      'node.bad': { delivered: 1, retried: 3 },
    });
  });

  it('retries destinations of nested nodes, including destinations added later', async () => {
    const takesAtSecond = () => ({
      attempts: 0,
      async send() {
        if (this.attempts++ === 0) throw new RetryableDeliveryError('503');
      },
    });
    const [early, late] = [takesAtSecond(), takesAtSecond()];
    const inner = new RoutingBackend({ backends: { early } });
    const outer = new RoutingBackend({ backends: { inner } });
    const tracker = trackerOf({ node: new AsyncRoutingBackend({ backends: { outer } }) });
    inner.registerBackend('late', late);
    tracker.emit('sold');
    await tracker.flush();
    expect([early.attempts, late.attempts]).toEqual([2, 2]);
    expect(tracker.getBackend('node.outer.inner.early')).toBe(early);
    expect(tracker.stats().backends['node.outer.inner.late']).toMatchObject({
      arrived: 1,
      delivered: 1,
      dropped: {},
    });
  });

  it('keeps the context, the id and the time of the emission', async () => {
    const memory = new MemoryBackend();
    const direct = new MemoryBackend();
    const tracker = trackerOf({ direct, node: new AsyncRoutingBackend({ backends: { memory } }) });
    tracker.context({ user_id: 7 }, () => tracker.emit('sold', { at: new Date(0) }));
    await tracker.flush();
    expect(memory.events).toEqual(direct.events);
    expect(memory.events[0]).toMatchObject({ context: { user_id: 7 }, data: { at: new Date(0) } });
  });

  it('runs its children outside the context of the emitting code', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const tracker = trackerOf({
      node: new AsyncRoutingBackend({
        backends: {
          child: new RoutingBackend({
            processors: [() => void seen.push(storage.getStore())],
            backends: { memory: new MemoryBackend() },
          }),
        },
      }),
    });
    storage.run('request', () => tracker.emit('sold'));
    await vi.waitUntil(() => seen.length === 1);
    expect(seen).toEqual([undefined]);
  });

  it('counts events beyond its capacity as dropped, and keeps others until destinations have room', async () => {
    const taken: string[] = [];
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    const slow = new DeliveringBackend(
      {
        async send({ name }) {
          await gate;
          taken.push(name);
        },
      },
      { capacity: 2 },
    );
    const node = new AsyncRoutingBackend({
      queue: new MemoryEventQueue({ capacity: 5 }),
      backends: { slow },
    });
    const tracker = trackerOf({ node });
    for (let index = 0; index < 8; index++) tracker.emit(`e${index}`);
    expect(tracker.stats().backends['node.queue']).toMatchObject({
      arrived: 8,
      pending: 5,
      dropped: { overflow: 3 },
    });
    await delay(10);
    open();
    await tracker.flush();
    expect(taken.toSorted()).toEqual(['e0', 'e1', 'e2', 'e3', 'e4']);
    expect(tracker.stats().backends).toMatchObject({
      'node.queue': { delivered: 5, pending: 0 },
      'node.slow': { arrived: 5, delivered: 5, pending: 0 },
    });
  });

  it('works behind another queue', async () => {
    const memory = new MemoryBackend();
    const inner = new AsyncRoutingBackend({ backends: { memory } });
    const tracker = trackerOf({ outer: new AsyncRoutingBackend({ backends: { inner } }) });
    for (let index = 0; index < 500; index++) tracker.emit(`e${index}`);
    await tracker.flush();
    expect(memory.events).toHaveLength(500);
    expect(tracker.getBackend('outer.inner.memory')).toBe(memory);
  });

  it('delivers queued events on close, then closes its children', async () => {
    const memory = new MemoryBackend();
    const close = vi.fn<() => Promise<void>>(async () => {
      expect(memory.events).toHaveLength(2);
    });
    const backend: Backend = { send: (event) => memory.send(event), close };
    const tracker = trackerOf({ node: new AsyncRoutingBackend({ backends: { backend } }) });
    tracker.emit('a');
    tracker.emit('b');
    await tracker.close();
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('closes within the deadline, and counts undelivered events', async () => {
    const node = new AsyncRoutingBackend({
      backends: { hanging: { send: () => new Promise<void>(() => {}) } },
    });
    const tracker = trackerOf({ node });
    for (let index = 0; index < 3; index++) tracker.emit(`e${index}`);
    await delay(5);
    await tracker.close({ signal: AbortSignal.timeout(20) });
    const { backends } = tracker.stats();
    expect(backends['node.hanging']).toMatchObject({ arrived: 3, pending: 0 });
    expect(backends['node.hanging']!.dropped).toEqual({ undelivered: 3 });
  });

  it('yields to other work while it delivers', async () => {
    const memory = new MemoryBackend({ capacity: 50_000 });
    const tracker = trackerOf({
      node: new AsyncRoutingBackend({
        queue: new MemoryEventQueue({ capacity: 50_000 }),
        backends: { memory },
      }),
    });
    for (let index = 0; index < 50_000; index++) tracker.emit('e');
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await tracker.flush();
    clearInterval(timer);
    expect(memory.events).toHaveLength(50_000);
    expect(turns).toBeGreaterThan(5);
  });

  it('accepts a concurrency above the capacity', () => {
    expect(() => new MemoryEventQueue({ capacity: 10, concurrency: 1_000 })).not.toThrow();
  });

  it('rejects an invalid queue, and a child with the name of the queue', () => {
    expect(() => new AsyncRoutingBackend({ queue: {} as never })).toThrow(
      /^queue: must be an event queue with a method open\(consumer\); received an object with no keys/,
    );
    expect(() => new AsyncRoutingBackend({ backends: { queue: new MemoryBackend() } })).toThrow(
      /a backend behind a queue cannot be named 'queue'/,
    );
    expect(() => new MemoryEventQueue({ capacity: 0 })).toThrow(/capacity must be a whole number/);
  });
});
