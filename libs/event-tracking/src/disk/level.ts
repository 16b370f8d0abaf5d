import { open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { describeError } from '../core/diagnostics/describe.js';
import type { Diagnostics } from '../core/diagnostics/diagnostics.js';

const LOCKED = 'LEVEL_LOCKED';
const DAMAGED = 'LEVEL_CORRUPTION';
/** LevelDB locks a store while it is open; whoever repairs it locks it by this file. */
const REPAIR_LOCK = 'REPAIR';
/** A lock that is older is that of a process which died. */
const LONGEST_REPAIR_MS = 60_000;

/** Opens a LevelDB, or makes one, and repairs it where it is damaged; undefined where another has it. */
export async function openLevel(
  location: string,
  diagnostics: Diagnostics,
): Promise<ClassicLevel | undefined> {
  if (await isUnderRepair(location)) return undefined;
  try {
    return await openSound(location, diagnostics);
  } catch (error) {
    if (codeOf(error) === LOCKED) return undefined;
    if (!isDamage(error)) throw error;
    return alone(location, async () => {
      try {
        return await openSound(location, diagnostics); // another has repaired it meanwhile
      } catch (still) {
        if (!isDamage(still)) throw still;
        return repair(location, still, diagnostics);
      }
    });
  }
}

/** Repairs a LevelDB whose damage was found while it was open, and opens it; undefined where another has it. */
export async function repairLevel(
  location: string,
  damage: unknown,
  diagnostics: Diagnostics,
): Promise<ClassicLevel | undefined> {
  return alone(location, async () => {
    await refuseWhereOpen(location);
    return repair(location, damage, diagnostics);
  });
}

/** Tells damage from other failures of a LevelDB. */
export function isDamage(error: unknown): boolean {
  return codeOf(error) === DAMAGED;
}

async function openSound(location: string, diagnostics: Diagnostics): Promise<ClassicLevel> {
  const level = new ClassicLevel(location);
  await level.open();
  await reportDroppedRecords(location, diagnostics);
  return level;
}

async function repair(
  location: string,
  damage: unknown,
  diagnostics: Diagnostics,
): Promise<ClassicLevel> {
  diagnostics.error(
    'damage',
    `The queue on disk in ${location} is damaged (${describeError(causeOf(damage))}). It is repaired; events may be lost. ` +
      `What could not be read is in its folder 'lost'.`,
  );
  await ClassicLevel.repair(location);
  return openSound(location, diagnostics);
}

/** @throws what LevelDB throws where another has it open: it repairs that too, and breaks it */
async function refuseWhereOpen(location: string): Promise<void> {
  const level = new ClassicLevel(location);
  try {
    await level.open();
  } catch (error) {
    if (codeOf(error) === LOCKED) throw error;
  }
  await level.close();
}

/** Works on a LevelDB that nobody else opens or repairs meanwhile; undefined where another has it. */
async function alone(
  location: string,
  work: () => Promise<ClassicLevel>,
): Promise<ClassicLevel | undefined> {
  if (!(await lockForRepair(location))) return undefined;
  try {
    return await work();
  } catch (error) {
    if (codeOf(error) === LOCKED) return undefined;
    throw error;
  } finally {
    await rm(join(location, REPAIR_LOCK), { force: true });
  }
}

async function isUnderRepair(location: string): Promise<boolean> {
  const lock = await stat(join(location, REPAIR_LOCK)).catch(() => undefined);
  return lock !== undefined && isFresh(lock);
}

async function lockForRepair(location: string): Promise<boolean> {
  const path = join(location, REPAIR_LOCK);
  const lock = await stat(path).catch(() => undefined);
  if (lock !== undefined && isFresh(lock)) return false;
  if (lock !== undefined) await rm(path, { force: true });
  try {
    await (await open(path, 'wx')).close();
    return true;
  } catch {
    return false; // somebody was faster
  }
}

function isFresh({ mtimeMs }: { mtimeMs: number }): boolean {
  return Date.now() - mtimeMs < LONGEST_REPAIR_MS;
}

/** LevelDB tells nobody but its own log when it passes over damaged records. */
async function reportDroppedRecords(location: string, diagnostics: Diagnostics): Promise<void> {
  const log = await readFile(join(location, 'LOG'), 'utf8').catch(() => '');
  const dropped = log.split('\n').filter((line) => line.includes('dropping'));
  if (dropped.length === 0) return;
  diagnostics.error(
    'damage',
    `The queue on disk in ${location} was damaged, events are lost. LevelDB says: ${dropped[0]!.trim()}.`,
  );
}

function causeOf(error: unknown): unknown {
  return (error as { cause?: unknown } | undefined)?.cause ?? error;
}

function codeOf(error: unknown): unknown {
  const { code } = (causeOf(error) ?? {}) as { code?: unknown };
  return code;
}
