import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { randomFrom } from '../support/random.js';
import { ROOT } from '../support/root.js';
import { damageFile } from '../support/store-files.js';

const PROGRAM = join(ROOT, 'test/support/disk-application.mjs');
const KILLS = Number(process.env['DISK_KILLS'] ?? 200);
const SEED = Number(process.env['DISK_SEED'] ?? randomInt(2 ** 31));
const SYNC_INTERVAL_MS = 200;
/** One kill in this many is followed by damage. */
const DAMAGE_EVERY = 4;
const KINDS = ['flip', 'zero', 'cut', 'remove'] as const;

it('A queue on disk survives hundreds of kills with random damage, and reports each event lost', async () => {
  console.log(`DISK_SEED=${SEED}`);
  const random = randomFrom(SEED);
  const directory = mkdtempSync(join(tmpdir(), 'disk-kills-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const [queue, destination, emitted] = ['queue', 'delivered', 'emitted'].map((name) =>
    join(directory, name),
  ) as [string, string, string];
  let log = '';
  const start = (first: string): ChildProcess => {
    const child = spawn(
      process.execPath,
      [PROGRAM, queue, destination, emitted, first, `${SYNC_INTERVAL_MS}`],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    child.stderr!.on('data', (text: Buffer) => (log += text.toString()));
    return child;
  };

  const due: number[] = [];
  let damaged = 0;
  for (let life = 1; life <= KILLS; life++) {
    const first = life * 1_000_000;
    const child = start(`${first}`);
    await vi.waitUntil(() => lastOf(emitted) >= first, { timeout: 20_000 });
    // The moment is random, because any may be the wrong one.
    await new Promise((resolve) => setTimeout(resolve, SYNC_INTERVAL_MS * (0.5 + 2 * random())));
    const died = Date.now();
    child.kill('SIGKILL');
    await once(child, 'close');
    for (const { number, time } of marksOf(emitted, first)) {
      if (time >= died - SYNC_INTERVAL_MS) break;
      for (let each = number - 19; each <= number; each++) due.push(each);
    }
    if (life % DAMAGE_EVERY === 0 && damageSegment(queue, random)) damaged++;
  }
  const [code] = (await once(start('drain'), 'close')) as [number];

  expect(code, log).toBe(0);
  const delivered = new Set(readFileSync(destination, 'utf8').split('\n').map(Number));
  const missing = due.filter((number) => !delivered.has(number)).length;
  const reported = [...log.matchAll(/(\d+) events? (?:is|are) lost/g)];
  const lost = reported.reduce((sum, [, count]) => sum + Number(count), 0);
  console.log(
    `${KILLS} kills, ${damaged} damaged files: ${due.length} events due, ${missing} missing, ${lost} reported as lost`,
  );
  expect(due.length).toBeGreaterThan(KILLS * 100);
  expect(missing).toBeLessThanOrEqual(lost);
}, 1_800_000);

/** Damages one of the segments that wait; returns whether there was one. */
function damageSegment(queue: string, random: () => number): boolean {
  const names = readdirSync(queue, { recursive: true }) as string[];
  const segments = names.filter((name) => name.endsWith('.events') && !name.includes('damaged'));
  if (segments.length === 0) return false;
  const pick = (count: number): number => Math.floor(random() * count);
  const kind = KINDS[pick(KINDS.length)]!;
  damageFile(join(queue, segments[pick(segments.length)]!), kind, pick(1_000_000));
  return true;
}

interface Mark {
  readonly number: number;
  readonly time: number;
}

/** Returns the last number of each burst since a number, and its time. */
function marksOf(file: string, since: number): Mark[] {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const marks = lines.map((line) => {
    const [number, time] = line.split(' ').map(Number);
    return { number: number!, time: time! };
  });
  return marks.filter(({ number }) => number >= since);
}

function lastOf(file: string): number {
  return existsSync(file) ? (marksOf(file, 0).at(-1)?.number ?? 0) : 0;
}
