import { statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';

/** A module that threads load. */
export interface ModuleFile {
  readonly url: string;
  readonly path: string;
}

const MEND =
  `Pass the address of a JavaScript file: new URL('./score.processor.js', import.meta.url), or in a CommonJS module ` +
  `require.resolve('./score.processor').`;

/**
 * Finds the module that threads are to load.
 *
 * @param owner - the class that was given it, for the message
 * @throws {@link ImproperlyConfigured} for what is neither a `file:` URL nor an absolute path, or where no file is
 */
export function findModule(owner: string, module: unknown): ModuleFile {
  const url = addressOf(module);
  if (url?.protocol !== 'file:') {
    throw new ImproperlyConfigured(
      `${owner}: expected the file: URL or the absolute path of a module, received ${receivedAs(module)}. ${MEND}`,
    );
  }
  const path = fileURLToPath(url);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new ImproperlyConfigured(
      `${owner}: there is no file ${path}. Threads load what is compiled. ${MEND}`,
    );
  }
  return { url: url.href, path };
}

function addressOf(module: unknown): URL | undefined {
  if (module instanceof URL) return module;
  if (typeof module !== 'string') return undefined;
  if (isAbsolute(module)) return pathToFileURL(module);
  return URL.canParse(module) ? new URL(module) : undefined;
}

function receivedAs(module: unknown): string {
  return module instanceof URL ? `the URL ${module.href}` : describeValue(module);
}
