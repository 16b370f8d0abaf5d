import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Logger } from '@nestjs/common';
import type { Backend } from '../core/tree/backend.js';
import { describeError } from '../core/diagnostics/describe.js';
import { Diagnostics, type DiagnosticLogger } from '../core/diagnostics/diagnostics.js';
import { RetryableDeliveryError } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import { packEvent } from '../core/tree/packed-event.js';
import {
  deadLetterKey,
  letterIn,
  type DeadLetter,
  type DeadLetterStore,
} from '../delivery/dead-letter.js';
import {
  checkRetention,
  RetainedLetters,
  SUFFIX,
  type DeadLetterRetention,
} from './dead-letter-retention.js';
import { makePrivateDirectory, replaceFile } from './store/private-files.js';

/** The folder of a queue for its dead letters. */
export const DEAD_LETTERS = 'dead-letters';

const NUMBER_DIGITS = 10;

/**
 * Keeps dead letters in the files of a directory: one line of JSON for each letter, one file for each batch.
 *
 * @remarks Files appear whole and are replaced whole, so any process can read and remove letters while others write.
 */
export class DeadLetterFiles implements Backend, DeadLetterStore {
  /**
   * The files of each letter that was read, by its key. A letter can be in several files: a process that crashes while
   * writing it writes it again after the restart.
   */
  readonly #files = new Map<string, readonly string[]>();

  readonly #diagnostics: Diagnostics;
  #written = 0;
  readonly #retained: RetainedLetters;

  /**
   * @param directory - made with the first letter
   * @param logger - reports files that cannot be read and letters that are dropped; Nest's by default
   * @param retention - bounds of the directory
   */
  constructor(
    readonly directory: string,
    logger: DiagnosticLogger = new Logger('DeadLetterFiles'),
    retention: DeadLetterRetention = {},
  ) {
    checkRetention(retention, 'DeadLetterFiles');
    this.#diagnostics = new Diagnostics(logger);
    this.#retained = new RetainedLetters(directory, this.#diagnostics, retention);
  }

  /** How many dead letters this process has dropped to keep the bounds. */
  get dropped(): number {
    return this.#retained.dropped;
  }

  async send(event: TrackingEvent): Promise<void> {
    await this.sendBatch([event]);
  }

  /** Resolves when the letters survive the death of the machine. */
  async sendBatch(events: readonly TrackingEvent[]): Promise<void> {
    const text = textOf(events.map(lineOf));
    try {
      await mkdir(dirname(this.directory), { recursive: true });
      await makePrivateDirectory(this.directory);
      await this.#write(this.#nextName(), text);
    } catch (error) {
      throw new RetryableDeliveryError(describeError(error), { cause: error });
    }
    await this.#retained.added(Buffer.byteLength(text)).catch((error: unknown) => {
      this.#diagnostics.error(
        'retention',
        `Dead letters: the bounds of ${this.directory} could not be kept: ${describeError(error)}.`,
      );
    });
  }

  /** Returns all letters, the oldest first; reports what cannot be read and skips it. */
  async *read(): AsyncGenerator<DeadLetter> {
    const names = await readdir(this.directory).catch((error: unknown) => {
      if ((error as { code?: unknown }).code === 'ENOENT') return [];
      throw error;
    });
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
      if (rest.length > 0) await this.#write(name, textOf(rest));
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
        if (letter === undefined) {
          this.#reportUnread(name, `line ${index + 1} is not a dead letter: ${line.slice(0, 200)}`);
        } else this.#remember(deadLetterKey(letter), name);
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
      `Dead letters: ${join(this.directory, name)} cannot be read completely: ${why}. The rest of it is read.`,
      { burst: 1 },
    );
  }

  #remember(key: string, name: string): void {
    const names = this.#files.get(key) ?? [];
    if (!names.includes(name)) this.#files.set(key, [...names, name]);
  }

  /** Returns the lines of a file; none where another process has removed it. */
  async #linesOf(name: string): Promise<string[]> {
    const text = await readFile(join(this.directory, name), 'utf8').catch((error: unknown) => {
      if ((error as { code?: unknown }).code === 'ENOENT') return '';
      throw error;
    });
    return text.split('\n').filter((line) => line !== '');
  }

  /** Names sort in the order of writing, also within one millisecond. */
  #nextName(): string {
    const number = `${this.#written++}`.padStart(NUMBER_DIGITS, '0');
    return `${Date.now()}-${number}-${randomUUID()}${SUFFIX}`;
  }

  /** Resolves when the file survives the death of the machine. */
  async #write(name: string, text: string): Promise<void> {
    await replaceFile(join(this.directory, name), text, '');
  }
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

function lineOf(letter: TrackingEvent): string {
  return JSON.stringify(packEvent(letter));
}

/** Returns the letter in a line; undefined where the line is damaged. */
function letterOf(line: string): DeadLetter | undefined {
  try {
    return letterIn(JSON.parse(line));
  } catch {
    return undefined;
  }
}
