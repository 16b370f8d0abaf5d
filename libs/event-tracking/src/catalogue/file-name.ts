import { contentId } from '../core/event-types/content-id.js';

const PLAIN = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/;
const MAX_LENGTH = 100;
/** Names that Windows reserves for devices, with any extension. */
const DEVICES = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/;

/**
 * Returns the file name of a type, without an extension.
 *
 * @remarks
 * Uses the name of the type if every file system accepts it. Otherwise returns a similar name with
 * a hash. No two types share a file, even if the file system ignores case.
 */
export function fileNameOf(name: string): string {
  if (PLAIN.test(name) && !DEVICES.test(name) && name.length <= MAX_LENGTH) return name;
  const readable = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, MAX_LENGTH / 2);
  return `${readable}~${contentId(name).slice(0, 8)}`;
}
