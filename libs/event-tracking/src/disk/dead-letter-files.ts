import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import type { Backend } from '../core/tree/backend.js';
import { describeError } from '../core/diagnostics/describe.js';
import { Diagnostics, type DiagnosticLogger } from '../core/diagnostics/diagnostics.js';
import { RetryableDeliveryError } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import { packEvent } from '../core/event/packed-event.js';
import {
  deadLetterKey,
  letterIn,
  type DeadLetter,
  type DeadLetterStore,
} from '../delivery/dead-letter.js';

/** The folder of a queue that has them. */
export const DEAD_LETTERS = 'dead-letters';
const SUFFIX = '.ndjson';

/**
 * Dead letters in files of a directory: a line of JSON for each, a file for those that were given up together.
 *
 * @remarks Files appear whole and are replaced whole, so that any process may read and remove while others write.
 */
export class DeadLetterFiles implements Backend, DeadLetterStore {
  /** The files that letters were read from, by the letters' keys: who dies while giving up does so again. */
  readonly #files = new Map<string, readonly string[]>();

  readonly #diagnostics: Diagnostics;

  /**
   * @param directory - made with the first letter
   * @param logger - where it is said what cannot be read: Nest's, if it is not given
   */
  constructor(
    readonly directory: string,
    logger: DiagnosticLogger = new Logger('DeadLetterFiles'),
  ) {
    this.#diagnostics = new Diagnostics(logger);
  }

  async send(event: TrackingEvent): Promise<void> {
    await this.sendBatch([event]);
  }

  async sendBatch(events: readonly TrackingEvent[]): Promise<void> {
    try {
      await mkdir(this.directory, { recursive: true });
      await this.#write(`${Date.now()}-${randomUUID()}${SUFFIX}`, events.map(lineOf));
    } catch (error) {
      throw new RetryableDeliveryError(describeError(error), { cause: error });
    }
  }

  /** All that are there, the oldest first; what cannot be read is said, and passed over. */
  async *read(): AsyncGenerator<DeadLetter> {
    const names = await readdir(this.directory).catch(() => []);
    for (const name of names.filter((each) => each.endsWith(SUFFIX)).sort()) {
      yield* await this.#lettersIn(name);
    }
  }

  async remove(letters: readonly DeadLetter[]): Promise<void> {
    const keys = new Set(letters.map(deadLetterKey));
    const names = new Set([...keys].flatMap((key) => this.#files.get(key) ?? []));
    for (const name of names) {
      const lines = await this.#linesOf(name);
      const rest = lines.filter((line) => {
        const letter = letterOf(line);
        return letter === undefined || !keys.has(deadLetterKey(letter));
      });
      if (rest.length > 0) await this.#write(name, rest);
      else await rm(join(this.directory, name), { force: true });
    }
    for (const key of keys) this.#files.delete(key);
  }

  async close(): Promise<void> {}

  async #lettersIn(name: string): Promise<DeadLetter[]> {
    try {
      const lines = await this.#linesOf(name);
      return lines.flatMap((line, index) => {
        const letter = letterOf(line);
        if (letter === undefined)
          this.#reportUnread(name, `Line ${index + 1} is no dead letter: ${line.slice(0, 200)}`);
        else this.#remember(deadLetterKey(letter), name);
        return letter ?? [];
      });
    } catch (error) {
      this.#reportUnread(name, describeError(error));
      return [];
    }
  }

  #reportUnread(name: string, why: string): void {
    this.#diagnostics.error(
      name,
      `Not all of ${join(this.directory, name)} can be read, and what cannot is passed over. ${why}`,
      { burst: 1 },
    );
  }

  #remember(key: string, name: string): void {
    const names = this.#files.get(key) ?? [];
    if (!names.includes(name)) this.#files.set(key, [...names, name]);
  }

  /** The lines of a file; none where somebody else has removed it. */
  async #linesOf(name: string): Promise<string[]> {
    const text = await readFile(join(this.directory, name), 'utf8').catch((error: unknown) => {
      if ((error as { code?: unknown }).code === 'ENOENT') return '';
      throw error;
    });
    return text.split('\n').filter((line) => line !== '');
  }

  async #write(name: string, lines: readonly string[]): Promise<void> {
    const path = join(this.directory, name);
    const unfinished = `${path}.${randomUUID()}`;
    try {
      await writeWhole(unfinished, lines.map((line) => `${line}\n`).join(''));
      await rename(unfinished, path);
    } catch (error) {
      await rm(unfinished, { force: true }); // on a full disk it would take what little is left
      throw error;
    }
  }
}

/** Writes a file; when it resolves, it is on the disk for good. */
async function writeWhole(path: string, text: string): Promise<void> {
  await using file = await open(path, 'w');
  await file.writeFile(text);
  await file.sync();
}

function lineOf(letter: TrackingEvent): string {
  return JSON.stringify(packEvent(letter));
}

/** The letter in a line; none where the line is damaged. */
function letterOf(line: string): DeadLetter | undefined {
  try {
    return letterIn(JSON.parse(line));
  } catch {
    return undefined;
  }
}
