/** The parts of a URL, without userinfo and fragment. */
export interface UrlParts {
  readonly scheme: string;
  readonly host: string;
  /** The path; empty if the URL ends after the host. */
  readonly path: string;
  readonly query: string;
}

const HTTP_URL = /^(https?):\/\/([\w.-]+(?::\d+)?)(?=[/?#]|$)([^?#]*)(?:\?([^#]*))?/i;
const HOST = /^[\w.-]+(?::\d+)?$/;
const AUTHORITY = /^[^/?#\\\s]*/;

/** Returns the path of a target that is not a URL; undefined if it has none. */
export function readPath(target: string): string | undefined {
  if (target.startsWith('/')) return target.slice(0, endOfPath(target));
  return target === '*' ? target : undefined;
}

/** Returns the query of a target, without the question mark. */
export function readQuery(target: string): string {
  const fragment = target.indexOf('#');
  const whole = fragment < 0 ? target : target.slice(0, fragment);
  const query = whole.indexOf('?');
  return query < 0 ? '' : whole.slice(query + 1);
}

/** Returns a referrer without userinfo, fragment and query; undefined if it is not a URL. */
export function readReferrer(referrer: string, keptKeys: readonly KeptKey[]): string | undefined {
  if (isAbsolutePath(referrer)) {
    return readPath(referrer)! + keptQuery(readQuery(referrer), keptKeys);
  }
  const url = readUrl(referrer);
  if (url === undefined) return undefined;
  return `${url.scheme}://${url.host}${url.path}${keptQuery(url.query, keptKeys)}`;
}

/** Returns the host and port of a `Host` header, without anything else that it may contain. */
export function readHost(header: string): string | undefined {
  if (HOST.test(header)) return header;
  const authority = AUTHORITY.exec(header)![0];
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  return host === '' ? undefined : host;
}

/** A key of a query to keep, or the beginning of such keys. */
export interface KeptKey {
  readonly text: string;
  readonly isPrefix: boolean;
}

/** Reads the configured keys; an asterisk at the end stands for any characters. */
export function readKeptKeys(keys: readonly string[]): KeptKey[] {
  return keys.map((key) =>
    key.endsWith('*') ? { text: key.slice(0, -1), isPrefix: true } : { text: key, isPrefix: false },
  );
}

/** Returns the kept parameters of a query, in their order, with a question mark before them. */
export function keptQuery(query: string, keptKeys: readonly KeptKey[]): string {
  if (query === '' || keptKeys.length === 0) return '';
  const kept = query.split('&').filter((parameter) => {
    const key = decodeKey(parameter.split('=', 1)[0]!);
    return keptKeys.some(({ text, isPrefix }) => (isPrefix ? key.startsWith(text) : key === text));
  });
  return kept.length === 0 ? '' : `?${kept.join('&')}`;
}

function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return key;
  }
}

/** Whether a reference is a path of the same host; browsers read a backslash as a slash. */
function isAbsolutePath(reference: string): boolean {
  return reference.startsWith('/') && reference[1] !== '/' && reference[1] !== '\\';
}

function endOfPath(target: string): number {
  const query = target.indexOf('?');
  const fragment = target.indexOf('#');
  if (query < 0) return fragment < 0 ? target.length : fragment;
  return fragment < 0 ? query : Math.min(query, fragment);
}

/** Reads a URL; returns undefined for another text, or without a host. */
export function readUrl(text: string): UrlParts | undefined {
  // Most URLs need no parser, which costs more and which rewrites the path.
  const match = HTTP_URL.exec(text);
  if (match !== null) {
    const [, scheme, host, path, query = ''] = match;
    return { scheme: scheme!.toLowerCase(), host: host!, path: path!, query };
  }
  try {
    const { protocol, host, pathname, search } = new URL(text);
    if (host === '') return undefined;
    return { scheme: protocol.slice(0, -1), host, path: pathname, query: search.slice(1) };
  } catch {
    return undefined;
  }
}
