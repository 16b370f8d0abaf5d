/** The parts of a URL, without userinfo and fragment. */
export interface UrlParts {
  readonly scheme: string;
  readonly host: string;
  /** The path; empty if the URL ends after the host. */
  readonly path: string;
  readonly query: string;
}

/** A target of a request, as its request line names it. */
export interface RequestTarget {
  /** The path; undefined if the target has none. */
  readonly path: string | undefined;
  readonly query: string;
  /** The scheme and host, if the target is in absolute form. */
  readonly url: UrlParts | undefined;
}

const HTTP_URL = /^(https?):\/\/([\w.-]+(?::\d+)?)(?=[/?#]|$)([^?#]*)(?:\?([^#]*))?/i;
const HOST = /^[\w.-]+(?::\d+)?$/;
const AUTHORITY = /^[^/?#\\\s]*/;

/** Reads the target of a request line in any form; its text can be anything. */
export function readTarget(target: string): RequestTarget {
  if (target.startsWith('/')) {
    const [path, query] = splitQuery(target);
    return { path, query, url: undefined };
  }
  if (target === '*') return { path: target, query: '', url: undefined };
  const url = readUrl(target);
  if (url === undefined) return { path: undefined, query: '', url };
  return { path: url.path === '' ? '/' : url.path, query: url.query, url };
}

/** Returns a referrer without userinfo, fragment and query; undefined if it is not a URL. */
export function readReferrer(referrer: string, keptKeys: readonly KeptKey[]): string | undefined {
  if (isAbsolutePath(referrer)) {
    const [path, query] = splitQuery(referrer);
    return path + keptQuery(query, keptKeys);
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

function splitQuery(target: string): [path: string, query: string] {
  const fragment = target.indexOf('#');
  const whole = fragment < 0 ? target : target.slice(0, fragment);
  const query = whole.indexOf('?');
  return query < 0 ? [whole, ''] : [whole.slice(0, query), whole.slice(query + 1)];
}

function readUrl(text: string): UrlParts | undefined {
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
