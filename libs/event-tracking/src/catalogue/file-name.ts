import { contentId } from '../core/event-types/content-id.js';

const PLAIN = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/;
const LONGEST = 100;
/** What Windows takes for a device, whatever follows the dot. */
const DEVICES = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/;

/**
 * The name of a type's file, without its ending.
 *
 * @remarks
 * The type's own name where every file system takes it; else one that resembles it, with a part that tells it from others:
 * no two types share a file, even where letters count the same in both cases.
 */
export function fileNameOf(name: string): string {
  if (PLAIN.test(name) && !DEVICES.test(name) && name.length <= LONGEST) return name;
  const readable = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, LONGEST / 2);
  return `${readable}~${contentId(name).slice(0, 8)}`;
}
