import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AsyncRoutingBackend,
  MemoryEventQueue,
  RetryableDeliveryError,
  Tracker,
  type EventQueue,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import { BullMqEventQueue } from 'nestjs-event-tracking/bullmq';
import { DiskEventQueue } from 'nestjs-event-tracking/disk';
import { afterEach, describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { unaccountedEvents } from './support/unaccounted-events.js';

/** More than a queue has under way at the same time. */
const EVENTS = 3_000;
const PATIENCE = { timeout: 50_000, interval: 20 };
const logger = { warn() {}, error() {} };

const FAILURES: Record<string, () => Promise<void> | void> = {
  'refuses connections': () => {
    throw new RetryableDeliveryError('ECONNREFUSED');
  },
  'never answers': () => new Promise(() => {}),
  'throws errors of an unknown kind': () => {
    throw new Error('Something went wrong.');
  },
};

/** Receives events; while it is down, each attempt fails. */
class Destination {
  readonly received = new Map<string, TrackingEvent>();
  isDown = false;

  constructor(private readonly fail: () => Promise<void> | void = () => {}) {}

  async sendBatch(events: readonly TrackingEvent[]): Promise<void> {
    if (this.isDown) await this.fail();
    for (const event of events) this.received.set(event.id, event);
  }

  send(): never {
    throw new Error('Batches are sent instead.');
  }
}

interface Subject {
  /** Opens the same queue again for each application. */
  create(): EventQueue;
}

const SUBJECTS: Record<string, () => Subject> = {
  MemoryEventQueue: () => ({ create: () => new MemoryEventQueue() }),
  DiskEventQueue: () => {
    const directory = mkdtempSync(join(tmpdir(), 'slow-destinations-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    return { create: () => new DiskEventQueue({ directory, logger }) };
  },
  BullMqEventQueue: () => {
    const { hostname: host, port } = new URL(inject('redisUrl'));
    const name = randomUUID();
    const connection = { host, port: Number(port), maxRetriesPerRequest: null };
    return { create: () => new BullMqEventQueue({ connection, name, logger }) };
  },
};

const opened = new Set<Tracker>();

function start(queue: EventQueue, backends: Record<string, Destination>): Tracker {
  const node = new AsyncRoutingBackend({ queue, backends });
  const tracker = new Tracker({ logger, backends: { node } });
  opened.add(tracker);
  return tracker;
}

async function close(tracker: Tracker): Promise<void> {
  opened.delete(tracker);
  await tracker.close({ signal: AbortSignal.timeout(1_000) });
}

afterEach(async () => {
  await Promise.all([...opened].map(close));
});

describe.each(Object.keys(SUBJECTS))('%s', (name) => {
  const subjectOf = SUBJECTS[name]!;

  it.each(Object.keys(FAILURES))(
    'delivers to a healthy destination while another one %s',
    async (failure) => {
      const [healthy, down] = [new Destination(), new Destination(FAILURES[failure])];
      down.isDown = true;
      const tracker = start(subjectOf().create(), { healthy, down });

      for (let number = 0; number < EVENTS; number++) tracker.emit('page.viewed', { number });

      await vi.waitUntil(() => healthy.received.size === EVENTS, PATIENCE);
      expect(down.received.size).toBe(0);
    },
    60_000,
  );

  it('delivers every event to a destination that was down, once it recovers', async () => {
    const [healthy, down] = [new Destination(), new Destination(FAILURES['refuses connections'])];
    down.isDown = true;
    const tracker = start(subjectOf().create(), { healthy, down });
    for (let number = 0; number < EVENTS; number++) tracker.emit('page.viewed', { number });
    await vi.waitUntil(() => healthy.received.size === EVENTS, PATIENCE);

    down.isDown = false;

    await vi.waitUntil(() => {
      void tracker.flush();
      return down.received.size === EVENTS;
    }, PATIENCE);
    for (const [path, stats] of Object.entries(tracker.stats().backends)) {
      expect(unaccountedEvents(stats), path).toBe(0);
    }
  }, 60_000);

  it('holds up nothing when several destinations are down', async () => {
    const healthy = new Destination();
    const down = Object.values(FAILURES).map((fail) => new Destination(fail));
    for (const each of down) each.isDown = true;
    const backends = { ...down, healthy } as unknown as Record<string, Destination>;
    const tracker = start(subjectOf().create(), backends);

    for (let number = 0; number < EVENTS; number++) tracker.emit('page.viewed', { number });

    await vi.waitUntil(() => healthy.received.size === EVENTS, PATIENCE);
  }, 60_000);
});

describe.each(['DiskEventQueue', 'BullMqEventQueue'])('%s', (name) => {
  it('keeps events for a destination that is down through a restart', async () => {
    const subject = SUBJECTS[name]!();
    const first = new Destination();
    const down = new Destination(FAILURES['refuses connections']);
    down.isDown = true;
    const before = start(subject.create(), { healthy: first, down });
    for (let number = 0; number < EVENTS; number++) before.emit('page.viewed', { number });
    await vi.waitUntil(() => first.received.size === EVENTS, PATIENCE);

    await close(before);
    const [healthy, recovered] = [new Destination(), new Destination()];
    start(subject.create(), { healthy, down: recovered });

    await vi.waitUntil(() => recovered.received.size === EVENTS, PATIENCE);
    expect(healthy.received.size).toBe(0);
  }, 60_000);
});
