const CONNECTION_CODES: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
]);
const UNDICI_PREFIX = 'UND_ERR_';
/** Errors of undici that tell of a wrong call, which no other attempt mends. */
const UNDICI_MISUSE: ReadonlySet<string> = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_INVALID_RETURN_VALUE',
]);
const INTERRUPTIONS: ReadonlySet<unknown> = new Set(['AbortError', 'TimeoutError']);
/** Causes refer to one another in some libraries. */
const MAX_ERRORS = 20;

/**
 * Whether an error, one of its causes or one of the errors it aggregates tells that the destination was unreachable or did not
 * answer in time.
 */
export function isConnectionError(error: unknown): boolean {
  const seen = new Set<object>();
  const rest: unknown[] = [error];
  while (rest.length > 0 && seen.size < MAX_ERRORS) {
    const each = rest.pop();
    if (typeof each !== 'object' || each === null || seen.has(each)) continue;
    seen.add(each);
    const { code, name, cause, errors } = each as Record<string, unknown>;
    if (isConnectionCode(code) || INTERRUPTIONS.has(name)) return true;
    rest.push(cause);
    if (Array.isArray(errors)) rest.push(...(errors as unknown[]).slice(0, MAX_ERRORS));
  }
  return false;
}

function isConnectionCode(code: unknown): boolean {
  if (CONNECTION_CODES.has(code)) return true;
  return typeof code === 'string' && code.startsWith(UNDICI_PREFIX) && !UNDICI_MISUSE.has(code);
}
