import { statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';

export interface ModuleFile {
  readonly url: string;
  readonly path: string;
}

const HOW_TO_FIX =
  `Pass the address of a JavaScript file: new URL('./score.processor.js', import.meta.url), or in a CommonJS module ` +
  `require.resolve('./score.processor').`;

/**
 * Finds the module that threads must load.
 *
 * @param owner - the class that received the module, named in messages
 * @throws {@link ImproperlyConfigured} if `module` is not a `file:` URL or an absolute path, or if the
 *   file does not exist
 */
export function findModule(owner: string, module: unknown): ModuleFile {
  const url = toUrl(module);
  if (url?.protocol !== 'file:') {
    throw new ImproperlyConfigured(
      `${owner}: module must be a file: URL or an absolute path; received ${describeModule(module)}. ${HOW_TO_FIX}`,
    );
  }
  const path = fileURLToPath(url);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new ImproperlyConfigured(
      `${owner}: module must exist; there is no file ${path}. Threads load compiled files. ${HOW_TO_FIX}`,
    );
  }
  return { url: url.href, path };
}

function toUrl(module: unknown): URL | undefined {
  if (module instanceof URL) return module;
  if (typeof module !== 'string') return undefined;
  if (isAbsolute(module)) return pathToFileURL(module);
  return URL.canParse(module) ? new URL(module) : undefined;
}

function describeModule(module: unknown): string {
  return module instanceof URL ? `the URL ${module.href}` : describeValue(module);
}
