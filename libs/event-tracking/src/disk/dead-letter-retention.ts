import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { checkOptions } from '../core/diagnostics/check-options.js';
import { describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import type { Diagnostics } from '../core/diagnostics/diagnostics.js';

/** Bounds of dead letters in files; the oldest are dropped first. */
export interface DeadLetterRetention {
  /**
   * How much the files of a directory may take, in bytes.
   *
   * @default 1 GiB
   */
  maxBytes?: number;
  /**
   * How long a dead letter is kept, in milliseconds.
   *
   * @default no limit
   */
  maxAge?: number;
}

/** The extension of files of dead letters. */
export const SUFFIX = '.ndjson';
const DEFAULT_MAX_BYTES = 2 ** 30;
const INTERVAL_MS = 60_000;
/** A file that is still being written is younger. */
const UNFINISHED_MS = 60_000;
const UNFINISHED = /\.ndjson\.[0-9a-f-]{36}$/;

interface LetterFile {
  readonly path: string;
  readonly bytes: number;
  readonly time: number;
}

/** @throws {@link ImproperlyConfigured} for bounds that cannot work */
export function checkRetention(retention: DeadLetterRetention, where: string): void {
  checkOptions(retention, where, { maxBytes: true, maxAge: true });
  for (const key of ['maxBytes', 'maxAge'] as const) {
    const value = retention[key];
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) {
      throw new ImproperlyConfigured(
        `${where}: ${key} must be a whole number above 0; received ${describeValue(value)}.`,
      );
    }
  }
}

/** Drops the oldest dead letters of a directory beyond its bounds, and files that dead processes have not finished. */
export class RetainedLetters {
  /** How many dead letters were dropped. */
  dropped = 0;
  #bytes = 0;
  #nextSweep = -Infinity;

  constructor(
    private readonly directory: string,
    private readonly diagnostics: Diagnostics,
    private readonly retention: DeadLetterRetention,
  ) {}

  /** Takes note of a file that was written, and keeps the bounds. */
  async added(bytes: number): Promise<void> {
    this.#bytes += bytes;
    const { maxBytes = DEFAULT_MAX_BYTES } = this.retention;
    if (this.#bytes <= maxBytes && performance.now() < this.#nextSweep) return;
    this.#nextSweep = performance.now() + INTERVAL_MS;
    await this.#sweep(maxBytes);
  }

  async #sweep(maxBytes: number): Promise<void> {
    const files = await this.#files();
    this.#bytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
    const { maxAge = Infinity } = this.retention;
    const tooOld = Date.now() - maxAge; // ages outlive processes, so no monotonic clock can measure them
    let dropped = 0;
    for (const [index, { path, bytes, time }] of files.entries()) {
      const isNewest = index === files.length - 1; // just written: dropping it would be the same as rejecting it
      if (time >= tooOld && (this.#bytes <= maxBytes || isNewest)) continue;
      const text = await readFile(path, 'utf8').catch(() => '');
      await rm(path, { force: true });
      this.#bytes -= bytes;
      dropped += text.split('\n').filter((line) => line !== '').length;
    }
    if (dropped === 0) return;
    this.dropped += dropped;
    this.diagnostics.error(
      'retention',
      `Dead letters: dropped the ${dropped} oldest in ${this.directory} (${this.dropped} so far), which are beyond maxBytes ` +
        `(${maxBytes}) or maxAge (${maxAge} ms). Raise the bounds, or redeliver dead letters sooner.`,
    );
  }

  /** Returns the files of dead letters, the oldest first; removes unfinished ones. */
  async #files(): Promise<LetterFile[]> {
    const files: LetterFile[] = [];
    for (const name of (await readdir(this.directory)).sort()) {
      const path = join(this.directory, name);
      const isUnfinished = UNFINISHED.test(name);
      if (!isUnfinished && !name.endsWith(SUFFIX)) continue;
      const found = await stat(path).catch(() => undefined); // another process may have removed it
      if (found === undefined) continue;
      if (!isUnfinished) files.push({ path, bytes: found.size, time: found.mtimeMs });
      // If the clock jumps, the process that is still writing the file writes it again.
      else if (Math.abs(Date.now() - found.mtimeMs) > UNFINISHED_MS)
        await rm(path, { force: true });
    }
    return files;
  }
}
