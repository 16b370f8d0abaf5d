import { UsageError } from './usage-error.js';

/**
 * Loads an optional peer dependency.
 *
 * @param feature - needs the package; begins the error message
 * @throws {@link UsageError} if the package is not installed
 */
export async function loadPeer<T>(
  name: string,
  feature: string,
  load: () => Promise<T>,
): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new UsageError(`${feature} needs the package ${name}: npm install ${name}.`);
  }
}
