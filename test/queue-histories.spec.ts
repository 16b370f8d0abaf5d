import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as realDelay } from 'node:timers/promises';
import fc from 'fast-check';
import { MemoryEventQueue } from 'nestjs-event-tracking';
import { BullMqEventQueue } from 'nestjs-event-tracking/bullmq';
import { DiskEventQueue } from 'nestjs-event-tracking/disk';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { startTcpProxy, type TcpProxy } from './services/tcp-proxy.js';
import { copyFiles } from './support/store-files.js';
import { histories, runHistory, type HistorySubject } from './support/queue-history.js';

const HISTORIES = Number(process.env['QUEUE_HISTORIES'] ?? 100);
const SEED = process.env['QUEUE_SEED'];
const TIMEOUT_MS = 120_000 + HISTORIES * 2_000;
const logger = { warn() {}, error() {} };
/** Prefers a file system in memory, where syncing costs nothing. */
const PARENT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

async function expectSoundHistories(subject: () => HistorySubject, count: number): Promise<void> {
  const survivesCrashes = subject().crash !== undefined;
  const options = { numRuns: count, ...(SEED !== undefined && { seed: Number(SEED) }) };
  await fc.assert(
    fc.asyncProperty(histories(survivesCrashes), async (steps) => runHistory(steps, subject())),
    options,
  );
  expect.assertions(0);
}

/** Advances the fake clock, while files are read and written in real time. */
async function advanceFakeClock(milliseconds: number): Promise<number> {
  const end = Date.now() + milliseconds;
  for (;;) {
    await realDelay(1); // not faked
    const left = end - Date.now();
    if (left <= 0) return milliseconds;
    await vi.advanceTimersByTimeAsync(Math.min(left, Math.max(20, milliseconds / 50)));
  }
}

describe('Random histories on a fake clock', () => {
  beforeEach(() => {
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'],
    });
  });
  afterEach(() => vi.useRealTimers());

  it(
    'lose nothing that MemoryEventQueue delivered or that persisted() confirmed',
    async () => {
      await expectSoundHistories(
        () => ({ create: () => new MemoryEventQueue(), advance: advanceFakeClock }),
        HISTORIES,
      );
    },
    TIMEOUT_MS,
  );

  it(
    'lose nothing that DiskEventQueue has confirmed, through kills and restarts',
    async () => {
      await expectSoundHistories(onDisk, HISTORIES);
    },
    TIMEOUT_MS,
  );
});

describe('Random histories with a real Redis', () => {
  it(
    'lose nothing that BullMqEventQueue has confirmed, through kills and restarts',
    async () => {
      await expectSoundHistories(inRedis, Math.ceil(HISTORIES / 20));
    },
    TIMEOUT_MS,
  );
});

function onDisk(): HistorySubject {
  let directory = join(PARENT, `queue-history-${randomUUID()}`);
  const used = [directory];
  return {
    create: () => new DiskEventQueue({ directory, logger }),
    advance: advanceFakeClock,
    async crash() {
      const left = await mkdtemp(join(PARENT, 'queue-history-'));
      used.push(left);
      // Synchronously, so that no step of a write happens meanwhile.
      for (const slot of existsSync(directory) ? readdirSync(directory) : []) {
        copyFiles(join(directory, slot), join(left, slot));
      }
      directory = left;
    },
    async cleanUp() {
      const options = { recursive: true, force: true, maxRetries: 3 };
      for (const each of used) await rm(each, options);
    },
  };
}

function inRedis(): HistorySubject {
  const { hostname: host, port } = new URL(inject('redisUrl'));
  const name = randomUUID();
  let proxy: Promise<TcpProxy> | undefined;
  return {
    async create() {
      proxy ??= startTcpProxy(Number(port));
      return new BullMqEventQueue({
        connection: { host, port: (await proxy).port, maxRetriesPerRequest: null },
        name,
        logger,
        // So that the jobs of a worker that dies are found soon.
        worker: { lockDuration: 500, stalledInterval: 250 },
      });
    },
    advance: (milliseconds) => {
      const delay = Math.min(milliseconds, 100);
      return realDelay(delay, delay);
    },
    async crash() {
      (await proxy)?.cut();
      proxy = undefined;
    },
  };
}
