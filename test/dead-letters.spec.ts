import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DeliveringBackend,
  Redelivery,
  RoutingBackend,
  Tracker,
  type DeadLetter,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import { DeadLetterFiles } from 'nestjs-event-tracking/disk';
import { RecordingBackend } from 'nestjs-event-tracking/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dead-letters-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

const letterOf = (name: string, data: Record<string, unknown> = {}): DeadLetter => ({
  id: randomUUID(),
  name,
  timestamp: new Date(1),
  context: {},
  data,
  dead_letter: {
    tracker: 'default',
    path: 'crm',
    reason: 'exhausted',
    error: '503',
    attempts: 10,
    time: new Date(2),
  },
});

async function lettersIn(store: DeadLetterFiles): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  for await (const letter of store.read()) letters.push(letter);
  return letters;
}

const names = (events: readonly TrackingEvent[]): string[] => events.map(({ name }) => name);

describe('Dead letters in files', () => {
  it('are removed wherever they are, where an event was given up again after a crash', async () => {
    const letters = new DeadLetterFiles(directory);
    const twice = letterOf('twice');
    await letters.sendBatch([twice]);
    await letters.sendBatch([twice, letterOf('once')]);
    const [first] = await lettersIn(letters);
    await letters.remove([first!]);
    expect(names(await lettersIn(letters))).toEqual(['once']);
  });
});

describe('Redelivery', () => {
  it('delivers together what takes more memory than a backend may hold', async () => {
    const crm = new RecordingBackend();
    const tracker = new Tracker({ backends: { crm } });
    const letters = ['a', 'b', 'c'].map((name) =>
      letterOf(name, { noise: 'x'.repeat(40 * 2 ** 20) }),
    );
    const redelivery = new Redelivery(() => tracker);
    expect(await redelivery.deliver(letters)).toEqual([]);
    expect(names(crm.events)).toEqual(['a', 'b', 'c']);
    await redelivery.end();
    await tracker.close();
  });

  it('waits for room in the backends of a node', async () => {
    const crm = new RecordingBackend();
    const leaf = new DeliveringBackend(crm, { capacity: 2 });
    const tracker = new Tracker({
      backends: { node: new RoutingBackend({ backends: { crm: leaf } }) },
    });
    const redelivery = new Redelivery(() => tracker, { target: 'node' });
    const all = ['a', 'b', 'c', 'd', 'e'];
    expect(await redelivery.deliver(all.map((name) => letterOf(name)))).toEqual([]);
    expect(names(crm.events)).toEqual(all);
    await tracker.close();
  });
});
