import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Backend } from '../core/backend.js';
import { describeError } from '../core/describe-error.js';
import { RetryableDeliveryError } from '../core/errors.js';
import type { TrackingEvent } from '../core/event.js';
import { packEvent, unpackEvent } from '../core/packed-event.js';
import {
  deadLetterKey,
  isDeadLetter,
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

  /** @param directory - made with the first letter */
  constructor(readonly directory: string) {}

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

  async *read(): AsyncGenerator<DeadLetter> {
    const names = await readdir(this.directory).catch(() => []);
    for (const name of names.filter((each) => each.endsWith(SUFFIX)).sort()) {
      for (const line of await this.#linesOf(name)) {
        const letter = unpackEvent(JSON.parse(line));
        if (!isDeadLetter(letter)) continue;
        this.#remember(deadLetterKey(letter), name);
        yield letter;
      }
    }
  }

  async remove(letters: readonly DeadLetter[]): Promise<void> {
    const keys = new Set(letters.map(deadLetterKey));
    const names = new Set([...keys].flatMap((key) => this.#files.get(key) ?? []));
    for (const name of names) {
      const lines = await this.#linesOf(name);
      const rest = lines.filter((line) => {
        const letter = unpackEvent(JSON.parse(line));
        return !isDeadLetter(letter) || !keys.has(deadLetterKey(letter));
      });
      if (rest.length > 0) await this.#write(name, rest);
      else await rm(join(this.directory, name), { force: true });
    }
    for (const key of keys) this.#files.delete(key);
  }

  async close(): Promise<void> {}

  #remember(key: string, name: string): void {
    const names = this.#files.get(key) ?? [];
    if (!names.includes(name)) this.#files.set(key, [...names, name]);
  }

  /** The lines of a file; none where somebody else has removed it. */
  async #linesOf(name: string): Promise<string[]> {
    const text = await readFile(join(this.directory, name), 'utf8').catch(() => '');
    return text.split('\n').filter((line) => line !== '');
  }

  async #write(name: string, lines: readonly string[]): Promise<void> {
    const path = join(this.directory, name);
    const unfinished = `${path}.${randomUUID()}`;
    {
      await using file = await open(unfinished, 'w');
      await file.writeFile(lines.map((line) => `${line}\n`).join(''));
      await file.sync();
    }
    await rename(unfinished, path);
  }
}

function lineOf(letter: TrackingEvent): string {
  return JSON.stringify(packEvent(letter));
}
