import { describeValue, quoteName } from './describe.js';
import { ImproperlyConfigured } from './errors.js';

/** All keys that options of a type may have. The compiler rejects a table that lacks one. */
export type KeysOf<Options> = Readonly<Record<keyof Options, true>>;

/**
 * Checks that options are an object of supported keys.
 *
 * @param where - the owner of the options, for the message
 * @throws {@link ImproperlyConfigured} with the received value or the supported keys
 */
export function checkOptions<Options extends object>(
  options: Options,
  where: string,
  keys: KeysOf<Options>,
): void {
  const known = Object.keys(keys);
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ImproperlyConfigured(
      `${where}: options must be an object such as { ${known[0]} }; received ${describeValue(options)}.`,
    );
  }
  checkKeys(options, where, known);
}

/**
 * Checks that an object has only supported keys.
 *
 * @throws {@link ImproperlyConfigured} with the first unknown key and the supported ones
 */
export function checkKeys(value: object, where: string, known: readonly string[]): void {
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw new ImproperlyConfigured(
    `${where}: unknown option ${quoteName(unknown)}; supported options: ${known.join(', ')}.`,
  );
}
