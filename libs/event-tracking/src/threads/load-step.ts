import { describeError } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import { isPlainObject } from '../core/event/event.js';
import { isClassOf, toStep, type ProcessingStep } from '../core/tree/processor.js';
import type { Role, ThreadData } from './thread-messages.js';

/** The class that runs modules of each role, and an example of such a module. */
const ROLES: Readonly<Record<Role, { owner: string; example: string }>> = {
  processor: { owner: 'ThreadProcessor', example: 'export default (event) => { … }' },
  filter: { owner: 'ThreadFilter', example: 'export default { filter: (event) => … }' },
};

/**
 * Loads a module in the thread and returns its default export, ready to run.
 *
 * @throws {@link ImproperlyConfigured} if loading fails or the default export has another role
 */
export async function loadStep({ url, path, role }: ThreadData): Promise<ProcessingStep> {
  const { owner } = ROLES[role];
  const where = `${owner}: the default export of ${path}`;
  const exported = defaultExportOf(await load(url, `${owner}: ${path}`), `${owner}: ${path}`, role);
  const step = toStep(isClass(exported) ? instantiate(exported, where) : exported, where);
  if (step.isFilter === (role === 'filter')) return step;
  const other = step.isFilter ? 'filter' : 'processor';
  const expected = step.isFilter
    ? "a function, or an object with 'process'"
    : "an object with 'filter'";
  throw new ImproperlyConfigured(
    `${where} must be ${expected}; received a ${other}. Run it with new ${ROLES[other].owner}(…).`,
  );
}

async function load(url: string, where: string): Promise<Record<string, unknown>> {
  try {
    return (await import(url)) as Record<string, unknown>;
  } catch (cause) {
    throw new ImproperlyConfigured(`${where} could not be loaded. ${describeError(cause)}.`, {
      cause,
    });
  }
}

/** Returns the default export; unwraps CommonJS modules that were compiled from ES modules. */
function defaultExportOf(module: Record<string, unknown>, where: string, role: Role): unknown {
  const { default: exported } = module;
  const source = isPlainObject(exported) && exported['__esModule'] === true ? exported : module;
  if (source['default'] !== undefined) return source['default'];
  const names = Object.keys(source).filter((name) => !['default', '__esModule'].includes(name));
  throw new ImproperlyConfigured(
    `${where} has no default export; it exports ${names.length === 0 ? 'nothing' : names.join(', ')}. ` +
      `Write: ${ROLES[role].example}.`,
  );
}

function isClass(value: unknown): value is new () => object {
  return (
    isClassOf(value, ['process', 'filter']) ||
    (typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value)))
  );
}

function instantiate(type: new () => object, where: string): object {
  if (type.length > 0) {
    throw new ImproperlyConfigured(
      `${where}: the constructor of the class ${type.name} takes ${type.length === 1 ? 'an argument' : `${type.length} arguments`}, ` +
        `but threads pass none. Export an instance.`,
    );
  }
  try {
    return new type();
  } catch (cause) {
    throw new ImproperlyConfigured(
      `${where}: the constructor of the class ${type.name} failed. ${describeError(cause)}.`,
      { cause },
    );
  }
}
