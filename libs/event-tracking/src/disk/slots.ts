import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError } from '../core/diagnostics/describe.js';
import type { Diagnostics } from '../core/diagnostics/diagnostics.js';
import { EventStore } from './store/event-store.js';
import { isEmergencyStore } from './store/emergency-store.js';
import { codeOf } from './store/private-files.js';
import { LOCK_PREFIX } from './store/store-lock.js';
import { UnusableStoreError } from './store/unusable-store-error.js';

/** The space that a store may need in addition to its events. */
const SEGMENTS = 8;
const SMALLEST_SEGMENT_BYTES = 64 * 1024;
const LARGEST_SEGMENT_BYTES = 8 * 2 ** 20;
/** Failures that concern the disk or the process as a whole: the next store would meet them too. */
const COMMON_FAILURES = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'ENOMEM', 'EROFS']);

/**
 * The numbered stores of a directory. Each process owns the first that no other process has open and that can be used.
 *
 * @remarks A process that ends leaves its store behind, for itself when it starts again or for others.
 */
export class Slots {
  /** Fingerprints of stores that were searched already; other processes that merely open them do not change them. */
  readonly #searched = new Map<string, string>();
  /** Why stores cannot be used, as it was reported. */
  readonly #reported = new Map<string, string>();
  #own: string | undefined;
  readonly #segmentBytes: number;

  constructor(
    readonly directory: string,
    private readonly diagnostics: Diagnostics,
    { maxBytes }: { maxBytes: number },
  ) {
    this.#segmentBytes = Math.min(
      LARGEST_SEGMENT_BYTES,
      Math.max(SMALLEST_SEGMENT_BYTES, Math.floor(maxBytes / SEGMENTS)),
    );
  }

  async openOwn(): Promise<EventStore> {
    for (let slot = 0; ; slot++) {
      const location = join(this.directory, `${slot}`);
      const store = await this.#openUsable(location);
      if (store === undefined) continue;
      this.#own = location;
      return store;
    }
  }

  /** Opens one abandoned store after another; each must be given back to {@link leave}, or closed to be searched again. */
  async *abandoned(): AsyncGenerator<EventStore> {
    const names = await readdir(this.directory).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return []; // deleted: the store of this process reports it
      throw error;
    });
    const slots = names.filter((name) => /^\d+$/.test(name)).sort((a, b) => Number(a) - Number(b));
    for (const slot of [...names.filter(isEmergencyStore), ...slots]) {
      const location = join(this.directory, slot);
      if (location === this.#own) continue;
      if (this.#searched.get(location) === (await fingerprintOf(location))) continue;
      // Claiming a store that a process is about to begin would make that process begin another.
      if (await isEmpty(location)) continue;
      const store = await this.#openUsable(location);
      if (store !== undefined) yield store;
    }
  }

  /** Closes a store that was searched, and forgets about it until it changes; deletes an empty one that nobody writes to. */
  async leave(store: EventStore): Promise<void> {
    if (isEmergencyStore(store.location) && store.liveBytes === 0) return store.delete();
    await store.close();
    this.#searched.set(store.location, await fingerprintOf(store.location));
  }

  /** Has all stores searched again. */
  reset(): void {
    this.#searched.clear();
  }

  /** Resolves to nothing for a store that another process has open or that cannot be used, which is reported. */
  async #openUsable(location: string): Promise<EventStore | undefined> {
    const exists = (await lstat(location).catch(() => undefined)) !== undefined;
    try {
      const options = { segmentBytes: this.#segmentBytes };
      const store = await EventStore.open(location, this.diagnostics, options);
      this.#reported.delete(location);
      return store;
    } catch (error) {
      if (!exists || COMMON_FAILURES.has(codeOf(error) ?? '')) throw error;
      const isExplained = error instanceof UnusableStoreError;
      this.#report(location, isExplained ? error.message : describeError(error));
      return undefined;
    }
  }

  #report(location: string, cause: string): void {
    if (this.#reported.get(location) === cause) return;
    this.#reported.set(location, cause);
    this.diagnostics.error(
      'unusable stores',
      `Queue on disk: ${location} cannot be used: ${cause}. It is left as it is, and looked at again every few seconds; ` +
        `new events go to another store.`,
    );
  }
}

/** Whether a directory holds no files except the sockets of processes. */
async function isEmpty(location: string): Promise<boolean> {
  const names = await readdir(location).catch(() => undefined);
  return names?.every((name) => name.startsWith(LOCK_PREFIX)) ?? false;
}

/** Returns a fingerprint that changes when a store is written to. */
async function fingerprintOf(location: string): Promise<string> {
  const names = await readdir(location).catch(() => []);
  const files: string[] = [];
  for (const name of names.sort((a, b) => a.localeCompare(b))) {
    if (!/\.(events|acks|json)$/.test(name)) continue;
    const file = await stat(join(location, name)).catch(() => undefined);
    if (file !== undefined) files.push(`${name} ${file.ino} ${file.size} ${file.mtimeMs}`);
  }
  return files.join('\n');
}
