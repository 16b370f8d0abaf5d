import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const PACKAGE = 'nestjs-event-tracking';

/** Knows the files of this package: of whichever copy, built or not. */
export class OwnFiles {
  readonly #owners = new Map<string, string | undefined>();

  has(file: string): boolean {
    return this.#ownerOf(dirname(file)) === PACKAGE;
  }

  /** The name of the package that a directory is in; a package.json without a name only sets a directory apart. */
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
