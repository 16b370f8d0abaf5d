import { EventTrackingError } from './errors.js';
import { messageText } from './message-text.js';

/** Bounds of the described causes: an error may have any number of them, or be its own cause. */
const MAX_ERRORS = 8;
const MAX_DEPTH = 5;
const MAX_ERROR_LENGTH = 2_000;
const MAX_TEXT_LENGTH = 6_000;
const MAX_STRING_LENGTH = 60;
const MAX_KEY_LENGTH = 60;
const MAX_VALUE_LENGTH = 1_000;
const UNDESCRIBABLE = 'something that cannot be described';

interface ErrorLike {
  readonly name?: unknown;
  readonly message: string;
  readonly code?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
}

/**
 * Describes a thrown value with its causes, as the end of a sentence without the final period;
 * never throws.
 *
 * @remarks
 * The errors of an AggregateError count as causes. Causes that the text already contains are left
 * out: wrapping errors often quote them.
 */
export function describeError(thrown: unknown): string {
  const described: string[] = [];
  try {
    collect(thrown, 0, new Set(), described);
  } catch {
    // A getter or a revoked proxy threw; the errors before it are still worth telling.
  }
  const [first, ...causes] = described;
  if (first === undefined) return UNDESCRIBABLE;
  const text = causes.length === 0 ? first : `${first} (cause: ${causes.join('; ')})`;
  return messageText(text, MAX_TEXT_LENGTH);
}

function collect(thrown: unknown, depth: number, seen: Set<unknown>, found: string[]): void {
  if (seen.has(thrown) || found.length >= MAX_ERRORS || depth > MAX_DEPTH) return;
  seen.add(thrown);
  if (!isErrorLike(thrown)) {
    add(typeof thrown === 'string' ? thrown : describeValue(thrown), found);
    return;
  }
  const { cause, errors } = thrown;
  add(headlineOf(thrown), found);
  if (cause !== undefined && cause !== null) collect(cause, depth + 1, seen, found);
  if (!Array.isArray(errors)) return;
  for (const each of errors.slice(0, MAX_ERRORS)) collect(each, depth + 1, seen, found);
}

function add(text: string, found: string[]): void {
  const safe = messageText(text, MAX_ERROR_LENGTH).replace(/\.$/, '');
  if (!found.some((known) => known.includes(safe))) found.push(safe);
}

function headlineOf(error: ErrorLike): string {
  const name = typeof error.name === 'string' && error.name !== '' ? error.name : 'Error';
  const code = codeOf(error);
  const label = code === undefined ? name : `${name} [${code}]`;
  return error.message === '' ? label : `${label}: ${error.message}`;
}

/** Returns the code of an error, unless its name or message tells it already. */
function codeOf(error: ErrorLike): string | undefined {
  const { code, message } = error;
  if (typeof code !== 'string' && typeof code !== 'number') return undefined;
  if (error instanceof EventTrackingError || isDomException(error)) return undefined;
  return code === '' || message.includes(String(code)) ? undefined : String(code);
}

/** Its code is a number of historical interest. */
function isDomException(error: unknown): boolean {
  return typeof DOMException === 'function' && error instanceof DOMException;
}

function isErrorLike(value: unknown): value is ErrorLike {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { message?: unknown }).message === 'string'
  );
}

/** Quotes a name; describes any other value. */
export function quoteName(name: unknown): string {
  return typeof name === 'string' ? `'${messageText(name)}'` : describeValue(name);
}

/** Describes an unexpected value in a few words; never throws. */
export function describeValue(value: unknown): string {
  try {
    return typeof value === 'string'
      ? `the string '${messageText(value, MAX_STRING_LENGTH)}'`
      : messageText(describeOther(value), MAX_VALUE_LENGTH);
  } catch {
    return UNDESCRIBABLE;
  }
}

function describeOther(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  switch (typeof value) {
    case 'undefined':
      return 'undefined';
    case 'function':
      return describeFunction(value);
    case 'object': {
      const type = (value.constructor as { name?: unknown } | undefined)?.name;
      return typeof type === 'string' && type !== 'Object' && type !== ''
        ? `an instance of ${type}`
        : `an object with ${keysOf(value)}`;
    }
    default:
      return `the ${typeof value} ${String(value)}`;
  }
}

/** Describes the value of an option that may be a secret, without quoting it. */
export function describeSecret(value: unknown): string {
  if (typeof value !== 'string') return describeValue(value);
  return value === '' ? 'an empty string' : `a string of ${value.length} characters`;
}

function describeFunction(value: { name?: unknown; prototype?: unknown }): string {
  const isClass = Function.prototype.toString.call(value).startsWith('class');
  const name = typeof value.name === 'string' && value.name !== '' ? ` ${value.name}` : '';
  return isClass ? `the class${name}` : `the function${name}`;
}

function keysOf(value: object): string {
  const keys = Object.keys(value);
  if (keys.length === 0) return 'no keys';
  const shown = keys.slice(0, 5).map((key) => `'${messageText(key, MAX_KEY_LENGTH)}'`);
  return `the keys ${shown.join(', ')}${keys.length > shown.length ? ', …' : ''}`;
}
