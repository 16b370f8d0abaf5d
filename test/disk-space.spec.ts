import { randomUUID } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TrackingEvent } from 'nestjs-event-tracking';
import { DiskEventQueue } from 'nestjs-event-tracking/disk';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { numbered } from './support/disk-processes.js';

const KIB = 1_024;
const ROUNDS = 40;
const ROUND = 100;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'disk-queue-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

function eventOf(name: string): TrackingEvent {
  const data = { text: 'x'.repeat(KIB) };
  return { id: randomUUID(), name, timestamp: new Date(), context: {}, data };
}

function nodeOf(queue: DiskEventQueue, path: string) {
  const consumed: string[] = [];
  const producer = queue.open({
    position: () => ({ tracker: 'default', path }),
    async consume(events) {
      consumed.push(...events.map(({ event }) => event.name));
      return [];
    },
    register: async () => {},
  });
  return { consumed, producer };
}

function bytesIn(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

describe('The files of a queue on disk', () => {
  it('stay small when a few waiting events are spread over many segments', async () => {
    const queue = new DiskEventQueue({ directory, syncInterval: 2, maxBytes: 512 * KIB });
    const [busy, waiting] = [nodeOf(queue, 'busy'), nodeOf(queue, 'waiting')];
    busy.producer.start!({ worker: true });
    for (const name of numbered(ROUNDS)) {
      await waiting.producer.send(eventOf(name));
      for (const each of numbered(ROUND)) await busy.producer.send(eventOf(each));
      await waiting.producer.flush!({});
      await busy.producer.flush!({});
    }
    expect(busy.consumed).toHaveLength(ROUNDS * ROUND);
    const slot = join(directory, '0');
    await vi.waitUntil(() => bytesIn(slot) < 512 * KIB); // of 4 MiB

    waiting.producer.start!({ worker: true });
    await waiting.producer.flush!({});
    expect(waiting.consumed).toEqual(numbered(ROUNDS));
    await Promise.all([busy.producer.close!({}), waiting.producer.close!({})]);
    expect(readdirSync(slot).filter((name) => name.endsWith('.events'))).toEqual([]);
  });

  it('keep waiting events in order when compaction precedes a restart', async () => {
    const first = new DiskEventQueue({ directory, syncInterval: 2, maxBytes: 512 * KIB });
    const [busy, waiting] = [nodeOf(first, 'busy'), nodeOf(first, 'waiting')];
    busy.producer.start!({ worker: true });
    for (const name of numbered(ROUNDS)) {
      await waiting.producer.send(eventOf(name));
      for (const each of numbered(ROUND)) await busy.producer.send(eventOf(each));
      await waiting.producer.flush!({});
      await busy.producer.flush!({});
    }
    await vi.waitUntil(() => bytesIn(join(directory, '0')) < 512 * KIB);
    await Promise.all([busy.producer.close!({}), waiting.producer.close!({})]);
    await first.close();

    const next = nodeOf(new DiskEventQueue({ directory, syncInterval: 2 }), 'waiting');
    next.producer.start!({ worker: true });
    await next.producer.flush!({});
    expect(next.consumed).toEqual(numbered(ROUNDS));
    await next.producer.close!({});
  });
});
