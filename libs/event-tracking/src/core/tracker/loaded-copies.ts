import { Diagnostics } from '../diagnostics/diagnostics.js';

const COPIES = Symbol.for('event-tracking:copies');

/**
 * Registers this copy of the package, and warns if the process has loaded another one: a class
 * cannot inject the `Tracker` of another copy, and Nest's error does not name the cause.
 *
 * @remarks A copy that is evaluated again, by hot reloading or a test runner, has the same folder.
 * @param folder - where the copy is; undefined on platforms without stacks
 */
export function registerCopy(version: string, folder: string | undefined): void {
  const holder = globalThis as { [COPIES]?: Map<string, string> };
  const copies = (holder[COPIES] ??= new Map());
  if (folder === undefined || copies.has(folder)) return;
  const [other] = copies;
  copies.set(folder, version);
  if (other === undefined) return;
  new Diagnostics().warn(
    'copies',
    `Two copies of nestjs-event-tracking are loaded: ${other[1]} from ${other[0]} and ${version} from ${folder}. ` +
      `A class cannot inject the Tracker of the other copy. Install one version, and import it in one way.`,
  );
}
