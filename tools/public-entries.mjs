import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const PACKAGE_FOLDER = join(ROOT, 'libs/event-tracking');

const { name, exports } = JSON.parse(readFileSync(join(PACKAGE_FOLDER, 'package.json'), 'utf8'));

/**
 * The entries that `package.json` exports with types. Tools read this list, so that a new subpath
 * gets its API report and its reference page without another edit.
 */
export const publicEntries = Object.entries(exports).flatMap(([subpath, target]) =>
  typeof target === 'string'
    ? []
    : [
        {
          specifier: subpath === '.' ? name : `${name}${subpath.slice(1)}`,
          file: subpath === '.' ? 'index' : subpath.slice(2).replaceAll('/', '-'),
          source: join(PACKAGE_FOLDER, target['event-tracking-source']),
          types: join(PACKAGE_FOLDER, target.import.types),
        },
      ],
);

/** The name of an entry's page below docs/api; `index` is the list of all entries. */
export function referencePage(file) {
  return file === 'index' ? name : file;
}
