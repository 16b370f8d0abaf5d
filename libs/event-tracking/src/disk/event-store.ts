import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClassicLevel } from 'classic-level';
import type { Diagnostics } from '../core/diagnostics/diagnostics.js';
import { endOf, nodeOf, prefixOf, type Node } from './entry.js';
import { isDamage, openLevel, repairLevel } from './level.js';

/** What a store has of an event. */
export type Entry = [key: string, value: string];

/**
 * What this process alone has of the disk: a LevelDB, whose lock ends with the process however it ends.
 *
 * @remarks After a failure it is opened anew, and repaired where it was damaged.
 */
export class EventStore {
  #level: Promise<ClassicLevel>;
  #failure: unknown;
  #isClosed = false;
  /** How many bytes its entries have, about: where it was not empty at first, what the files have counts for them. */
  #bytes: number;

  private constructor(
    readonly location: string,
    level: ClassicLevel,
    bytes: number,
    private readonly diagnostics: Diagnostics,
  ) {
    this.#level = Promise.resolve(level);
    this.#bytes = bytes;
  }

  /** Opens a store, or makes one; undefined where another has it open. */
  static async open(location: string, diagnostics: Diagnostics): Promise<EventStore | undefined> {
    const level = await openLevel(location, diagnostics);
    if (level === undefined) return undefined;
    return new EventStore(location, level, await sizeOf(location), diagnostics);
  }

  /** Adds entries; when it resolves they are on the disk for good. */
  async add(entries: readonly Entry[]): Promise<void> {
    const changes = entries.map(([key, value]) => ({ type: 'put', key, value }) as const);
    await this.#use((level) => level.batch(changes, { sync: true }));
    this.#bytes += sizeOfAll(entries);
  }

  /** Puts entries in the place of others, or nothing: all or none of it. */
  async replace(entries: readonly Entry[], by: readonly Entry[]): Promise<void> {
    await this.#use((level) =>
      level.batch([
        ...entries.map(([key]) => ({ type: 'del', key }) as const),
        ...by.map(([key, value]) => ({ type: 'put', key, value }) as const),
      ]),
    );
    this.#bytes = Math.max(0, this.#bytes + sizeOfAll(by) - sizeOfAll(entries));
  }

  /** The entries of a node behind a key, in their order. */
  async read(node: Node, after: string, limit: number): Promise<Entry[]> {
    const lt = endOf(prefixOf(node));
    const range = { gt: after, lt, limit, fillCache: false };
    return this.#use((level) => level.iterator(range).all());
  }

  /** The last key of a node, if it has entries. */
  async lastKey(node: Node): Promise<string | undefined> {
    const gt = prefixOf(node);
    const range = { gt, lt: endOf(gt), reverse: true, limit: 1 };
    const [last] = await this.#use((level) => level.keys(range).all());
    return last;
  }

  /** The nodes that have entries. */
  async nodes(): Promise<Node[]> {
    const nodes: Node[] = [];
    let behind = '';
    for (;;) {
      const [key] = await this.#use((level) => level.keys({ gt: behind, limit: 1 }).all());
      if (key === undefined) return nodes;
      const node = nodeOf(key);
      nodes.push(node);
      behind = endOf(prefixOf(node));
    }
  }

  /** Tells whether its entries have more than so many bytes. */
  async exceeds(maxBytes: number): Promise<boolean> {
    if (this.#bytes > maxBytes && (await this.#isEmpty())) this.#bytes = 0;
    return this.#bytes > maxBytes;
  }

  /** Lets go of the files, for good. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const level = await this.#level.catch(() => undefined);
    await level?.close();
  }

  async #isEmpty(): Promise<boolean> {
    const keys = await this.#use((level) => level.keys({ limit: 1 }).all());
    return keys.length === 0;
  }

  async #use<T>(operation: (level: ClassicLevel) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new Error(`${this.location} has been closed.`);
    if (this.#failure !== undefined) this.#reopen();
    const level = await this.#level;
    try {
      return await operation(level);
    } catch (error) {
      // LevelDB takes nothing more after a failed write.
      if (level === (await this.#level)) this.#failure = error;
      throw error;
    }
  }

  #reopen(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    const before = this.#level;
    this.#level = (async () => {
      await (await before.catch(() => undefined))?.close();
      const level = isDamage(failure)
        ? await repairLevel(this.location, failure, this.diagnostics)
        : await openLevel(this.location, this.diagnostics);
      if (level !== undefined) return level;
      throw new Error(`${this.location} has been taken by another process.`);
    })();
    this.#level.catch((error: unknown) => (this.#failure = error));
  }
}

function sizeOfAll(entries: readonly Entry[]): number {
  return entries.reduce((size, [key, value]) => size + key.length + value.length, 0);
}

async function sizeOf(directory: string): Promise<number> {
  let bytes = 0;
  for (const file of await readdir(directory)) {
    bytes += (await stat(join(directory, file)).catch(() => undefined))?.size ?? 0;
  }
  return bytes;
}
