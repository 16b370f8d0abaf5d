import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const PACKAGE = 'nestjs-event-tracking';

/** Recognises the files of this library, in any copy, built or as sources. */
export class LibraryFiles {
  readonly #owners = new Map<string, string | undefined>();

  has(file: string): boolean {
    return this.#ownerOf(dirname(file)) === PACKAGE;
  }

  /**
   * Returns the name of the nearest package. Skips package.json files without a name, which only
   * set options.
   */
  #ownerOf(directory: string): string | undefined {
    if (this.#owners.has(directory)) return this.#owners.get(directory);
    const parent = dirname(directory);
    const owner =
      nameIn(join(directory, 'package.json')) ??
      (parent === directory ? undefined : this.#ownerOf(parent));
    this.#owners.set(directory, owner);
    return owner;
  }
}

function nameIn(manifest: string): string | undefined {
  try {
    const { name } = JSON.parse(readFileSync(manifest, 'utf8')) as { name?: unknown };
    return typeof name === 'string' ? name : undefined;
  } catch {
    return undefined;
  }
}
