const PLACE = /\(?((?:file:\/\/|https?:\/\/|\/|[A-Za-z]:\\)[^()]*:\d+:\d+)\)?$/;
const FOREIGN = /\(?(node:|native|<anonymous>\)?$)|\/node_modules\//;
/**
 * The directory of this package's files, as stacks name it.
 *
 * @remarks Read from a stack, because `import.meta` is a syntax error in the CommonJS that test
 * runners compile modules to.
 */
export const OWN_FILES = directoryOf(stackIn(new Error('')));

/**
 * Returns the innermost position of an application's own code in a stack, as `file:line:column`;
 * empty if there is none.
 *
 * @remarks Skips frames of this package, of other packages and of the platform.
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
 * @remarks With `Error.prepareStackTrace`, a stack can be any value, and reading it can throw.
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
