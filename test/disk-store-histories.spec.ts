import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { damagedHistories, runHistory, soundHistories } from './support/store-history.js';

const HISTORIES = Number(process.env['STORE_HISTORIES'] ?? 150);
/** A disk in memory, where syncing costs nothing. */
const PARENT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const directory = (): string => join(PARENT, `store-history-${randomUUID()}`);

describe('The store of a queue on disk', () => {
  it('delivers in order all that it acknowledged, through crashes, restarts and replacements', async () => {
    await fc.assert(
      fc.asyncProperty(soundHistories, async (steps) => {
        await runHistory(steps, directory());
      }),
      { numRuns: HISTORIES },
    );
    expect.assertions(0);
  }, 120_000);

  it('delivers all that is intact, and reports how much is lost, when its files are damaged', async () => {
    await fc.assert(
      fc.asyncProperty(damagedHistories, async (steps) => {
        await runHistory(steps, directory());
      }),
      { numRuns: HISTORIES },
    );
    expect.assertions(0);
  }, 120_000);
});
