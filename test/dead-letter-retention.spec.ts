import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ImproperlyConfigured } from 'nestjs-event-tracking';
import {
  DeadLetterFiles,
  DiskEventQueue,
  type DeadLetterRetention,
} from 'nestjs-event-tracking/disk';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { letterOf } from './support/letter-of.js';

const logger = { warn: vi.fn<(text: string) => void>(), error: vi.fn<(text: string) => void>() };
const HOUR = 3_600_000;
const NOISE = { noise: 'x'.repeat(1_000) };
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dead-letters-'));
  logger.error.mockReset();
});

afterEach(() => rm(directory, { recursive: true, force: true }));

async function namesIn(letters: DeadLetterFiles): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of letters.read()) names.push(name);
  return names;
}

/** Writes each letter to a separate file, at least a millisecond after the previous one. */
async function write(letters: DeadLetterFiles, names: readonly string[]): Promise<void> {
  for (const name of names) await letters.sendBatch([letterOf(name, NOISE)]);
}

/** Sets the times of files to an earlier moment. */
function age(ms: number, isAged: (name: string) => boolean = () => true): void {
  const time = (Date.now() - ms) / 1_000;
  for (const name of readdirSync(directory).filter(isAged)) {
    utimesSync(join(directory, name), time, time);
  }
}

describe('The retention of dead letters', () => {
  it('drops the oldest letters beyond maxBytes, counts them and logs them', async () => {
    const letters = new DeadLetterFiles(directory, logger, { maxBytes: 6_000 });
    await write(letters, ['a', 'b', 'c', 'd', 'e', 'f']);
    expect(await namesIn(letters)).toEqual(['c', 'd', 'e', 'f']);
    expect(letters.dropped).toBe(2);
    expect(logger.error).toHaveBeenCalledWith(
      expect.stringMatching(/dropped the 1 oldest in .* beyond maxBytes \(6000\)/),
    );
  });

  it('keeps the newest letter, even if it is larger than maxBytes', async () => {
    const letters = new DeadLetterFiles(directory, logger, { maxBytes: 10 });
    await write(letters, ['a', 'b']);
    expect(await namesIn(letters)).toEqual(['b']);
  });

  it('drops letters older than maxAge, those of earlier processes too', async () => {
    await write(new DeadLetterFiles(directory, logger), ['old']);
    age(2 * HOUR);
    await write(new DeadLetterFiles(directory, logger), ['young']);
    const letters = new DeadLetterFiles(directory, logger, { maxAge: HOUR });
    await write(letters, ['new']);
    expect(await namesIn(letters)).toEqual(['young', 'new']);
    expect(letters.dropped).toBe(1);
    expect(logger.error.mock.calls).toEqual([
      [expect.stringMatching(/dropped the 1 oldest in .* or maxAge \(3600000 ms\)/)],
    ]);
  });

  describe('when the clock jumps', () => {
    afterEach(() => vi.restoreAllMocks());

    function setClock(jump: number): void {
      vi.restoreAllMocks();
      const real = Date.now.bind(Date);
      vi.spyOn(Date, 'now').mockImplementation(() => real() + jump);
    }

    it('drops no letter early after the clock was set forward by a year', async () => {
      const letters = new DeadLetterFiles(directory, logger, { maxAge: HOUR, maxBytes: 4_000 });
      await write(letters, ['first', 'second']);
      setClock(365 * 24 * HOUR);
      await write(letters, ['third', 'fourth', 'fifth']); // the bounds are checked beyond maxBytes
      setClock(0);
      await write(letters, ['sixth']);
      expect(await namesIn(letters)).toEqual(['fourth', 'fifth', 'sixth']);
    });

    it.each([-HOUR, -50 * 365 * 24 * HOUR])(
      'drops the oldest letters first after the clock was set back by %s ms, also in another process',
      async (jump) => {
        const bounds = { maxBytes: 4_000 };
        await write(new DeadLetterFiles(directory, logger, bounds), ['first', 'second']);
        setClock(jump);
        const letters = new DeadLetterFiles(directory, logger, bounds);
        await write(letters, ['third', 'fourth', 'fifth']);
        expect(await namesIn(letters)).toEqual(['third', 'fourth', 'fifth']);
      },
    );

    it('keeps a letter that was written while the clock was behind', async () => {
      await write(new DeadLetterFiles(directory, logger), ['first', 'behind']);
      const behind = readdirSync(directory).sort().at(-1)!;
      age(24 * HOUR, (name) => name === behind);
      const letters = new DeadLetterFiles(directory, logger, { maxAge: HOUR });
      await write(letters, ['third']);
      expect(await namesIn(letters)).toEqual(['first', 'behind', 'third']);
    });
  });

  it('removes files that killed writers left unfinished, and no others', async () => {
    const [left, current] = [1, 2].map((time) => `${time}-${randomUUID()}.ndjson.${randomUUID()}`);
    writeFileSync(join(directory, left!), '{"half');
    writeFileSync(join(directory, 'notes.txt'), 'of somebody');
    age(HOUR);
    writeFileSync(join(directory, current!), '{"half');
    await write(new DeadLetterFiles(directory, logger), ['new']);
    expect(existsSync(join(directory, left!))).toBe(false);
    expect(existsSync(join(directory, current!))).toBe(true);
    expect(existsSync(join(directory, 'notes.txt'))).toBe(true);
    expect(logger.error).not.toHaveBeenCalled();
  });

  it('is an option of a queue on disk', async () => {
    const { deadLetters } = new DiskEventQueue({
      directory,
      logger,
      deadLetters: { maxBytes: 3_000 },
    });
    await write(deadLetters, ['a', 'b', 'c']);
    expect(await namesIn(deadLetters)).toEqual(['b', 'c']);
  });

  it.each<[DeadLetterRetention, RegExp]>([
    [
      { maxBytes: 0 },
      /deadLetters: maxBytes must be a whole number above 0; received the number 0\./,
    ],
    [
      { maxAge: 0.5 },
      /deadLetters: maxAge must be a whole number above 0; received the number 0\.5/,
    ],
  ])('rejects the invalid bounds %j', (deadLetters, message) => {
    expect(() => new DiskEventQueue({ directory, deadLetters })).toThrow(ImproperlyConfigured);
    expect(() => new DiskEventQueue({ directory, deadLetters })).toThrow(message);
  });
});
