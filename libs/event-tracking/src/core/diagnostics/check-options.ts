import { describeValue } from './describe.js';
import { ImproperlyConfigured } from './errors.js';

/** All keys that options of a type may have; the compiler sees to it that none is forgotten. */
export type KeysOf<Options> = Readonly<Record<keyof Options, true>>;

/**
 * Checks that options are an object of keys that somebody reads.
 *
 * @param where - whose options they are, for the message
 * @throws {@link ImproperlyConfigured} with the received value and the supported keys
 */
export function checkOptions<Options extends object>(
  options: Options,
  where: string,
  keys: KeysOf<Options>,
): void {
  const known = Object.keys(keys);
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ImproperlyConfigured(
      `${where}: expected an object such as { ${known[0]} }, received ${describeValue(options)}.`,
    );
  }
  checkKeys(options, where, known);
}

/**
 * Checks that an object has no other keys than these.
 *
 * @throws {@link ImproperlyConfigured} with the first that is unknown, and with those that are known
 */
export function checkKeys(value: object, where: string, known: readonly string[]): void {
  const stranger = Object.keys(value).find((key) => !known.includes(key));
  if (stranger === undefined) return;
  throw new ImproperlyConfigured(
    `${where}: the key '${stranger}' is unknown. Known are: ${known.join(', ')}.`,
  );
}
