import type { Authorization } from './authorization.js';

const MASK = '***';
/** Shorter values are words rather than secrets, and would garble the text. */
const MIN_LENGTH = 8;

/** Returns a function that masks the secrets of a backend in text of a server. */
export function secretsMask(
  headers: Readonly<Record<string, string>>,
  query: string,
  path: string,
  authorization: Authorization | undefined,
): (text: string) => string {
  const configured = [
    ...Object.values(headers),
    ...new URLSearchParams(query).values(),
    ...path.split('/'),
  ];
  return (text) =>
    [...configured, ...(authorization?.secrets() ?? [])]
      .filter(({ length }) => length >= MIN_LENGTH)
      .reduce((masked, secret) => masked.replaceAll(secret, MASK), text);
}
