const PLACE = /\(?((?:file:\/\/|https?:\/\/|\/|[A-Za-z]:\\)[^()]*:\d+:\d+)\)?$/;
const FOREIGN = /\(?(node:|native|<anonymous>\)?$)|\/node_modules\//;
/**
 * The folder of this copy of the package, as stacks name it. A stack also has it in CommonJS, which
 * lacks `import.meta`, and in browsers.
 */
export const OWN_FILES = directoryOf(stackIn(new Error('')));

/**
 * The innermost place of an application's own code in a stack, as `file:line:column`; empty where there is none.
 *
 * @remarks Frames of this package, of other packages and of the platform are passed over.
 */
export function callSiteOf(stack: string): string {
  for (const line of stack.split('\n')) {
    const path = placeOf(line);
    if (path === undefined || FOREIGN.test(line)) continue;
    if (OWN_FILES === undefined || !path.startsWith(OWN_FILES)) return path;
  }
  return '';
}

/**
 * Returns the stack of an error; empty if the platform has none.
 *
 * @remarks Who sets `Error.prepareStackTrace` makes something else of it, or throws.
 */
export function stackIn(error: { stack?: unknown }): string {
  try {
    return typeof error.stack === 'string' ? error.stack : '';
  } catch {
    return '';
  }
}

function directoryOf(stack: string): string | undefined {
  const [own] = stack.split('\n').flatMap((line) => placeOf(line) ?? []);
  return own?.replace(/core[/\\]event-types[/\\][^/\\]*$/, '').replace(/:\d+:\d+$/, '');
}

function placeOf(line: string): string | undefined {
  return PLACE.exec(line.trim())?.[1]?.replace(/^file:\/\/(?=\/)/, '');
}
