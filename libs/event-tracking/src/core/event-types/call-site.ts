/** Where this package's own files are, as stacks name them. */
const OWN_FILES = withoutScheme(import.meta.url).replace(/core\/event-types\/[^/]*$/, '');
const FOREIGN = /\(?(node:|native|<anonymous>\)?$)|\/node_modules\//;

/**
 * The innermost place of an application's own code in a stack, as `file:line:column`; empty where there is none.
 *
 * @remarks Frames of this package, of other packages and of the platform are passed over.
 */
export function callSiteOf(stack: string): string {
  for (const line of stack.split('\n')) {
    const place = /\(?((?:file:\/\/|https?:\/\/|\/|[A-Za-z]:\\)[^()]*:\d+:\d+)\)?$/.exec(
      line.trim(),
    )?.[1];
    if (place === undefined || FOREIGN.test(line)) continue;
    const path = withoutScheme(place);
    if (!path.startsWith(OWN_FILES)) return path;
  }
  return '';
}

/**
 * The stack that an error was made with; empty where the platform does not say.
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

function withoutScheme(url: string): string {
  return url.replace(/^file:\/\/(?=\/)/, '');
}
