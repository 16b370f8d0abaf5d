import { existsSync } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError } from '../core/diagnostics/describe.js';
import type { Diagnostics } from '../core/diagnostics/diagnostics.js';
import { EventStore } from './event-store.js';

/**
 * The stores of a directory, of which each process has one: the first that nobody else has open.
 *
 * @remarks A process that ends leaves its store behind, for itself when it starts again or for others.
 */
export class Slots {
  /** What the stores had that were looked through; that others open them to look too changes nothing in it. */
  readonly #seen = new Map<string, string>();
  /** Where the store of this process is; it is nobody else's when its lock is gone while it is repaired. */
  #own: string | undefined;

  constructor(
    private readonly directory: string,
    private readonly diagnostics: Diagnostics,
  ) {}

  /** Opens a store for this process to write to. */
  async own(): Promise<EventStore> {
    for (let slot = 0; ; slot++) {
      const location = join(this.directory, `${slot}`);
      await mkdir(location, { recursive: true });
      const store = await EventStore.open(location, this.diagnostics);
      if (store === undefined) continue;
      this.#own = location;
      return store;
    }
  }

  /** Opens one store after the other that a process has left; whoever takes it closes it by {@link leave}. */
  async *abandoned(): AsyncGenerator<EventStore> {
    const slots = (await readdir(this.directory)).filter((name) => /^\d+$/.test(name));
    for (const slot of slots.sort((a, b) => Number(a) - Number(b))) {
      const location = join(this.directory, slot);
      if (location === this.#own) continue;
      if (!existsSync(join(location, 'CURRENT'))) continue; // somebody is about to make it
      if (this.#seen.get(location) === (await contentOf(location))) continue;
      const store = await this.#openLeft(location);
      if (store !== undefined) yield store;
    }
  }

  /** One that cannot be opened is not to keep the others from being looked through. */
  async #openLeft(location: string): Promise<EventStore | undefined> {
    try {
      return await EventStore.open(location, this.diagnostics);
    } catch (error) {
      this.diagnostics.error(
        'recovery',
        `What another process has left in ${location} cannot be read: ${describeError(error)}.`,
      );
      return undefined;
    }
  }

  async leave(store: EventStore): Promise<void> {
    await store.close();
    this.#seen.set(store.location, await contentOf(store.location));
  }

  /** Looks through all of them again. */
  forget(): void {
    this.#seen.clear();
  }
}

/** What a store has written: its files of data, without those that are empty since it was opened. */
async function contentOf(location: string): Promise<string> {
  const content: string[] = [];
  for (const name of (await readdir(location)).sort()) {
    if (!/\.(ldb|log)$/.test(name)) continue;
    const file = await stat(join(location, name)).catch(() => undefined);
    if (file !== undefined && file.size > 0) content.push(`${name} ${file.size}`);
  }
  return content.join('\n');
}
