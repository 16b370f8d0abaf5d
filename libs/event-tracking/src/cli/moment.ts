import { isDayOfCalendar } from '../core/event/serialize-event.js';
import { UsageError } from './usage-error.js';

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * Reads a moment: a date, a date and time, or a time span before now. Without an offset, it is UTC.
 *
 * @throws {@link UsageError} for any other text
 */
export function readMoment(text: string, now = Date.now()): Date {
  const ago = /^(\d+)([smhd])$/.exec(text);
  const moment =
    ago === null
      ? readDate(text)
      : new Date(now - Number(ago[1]) * UNITS[ago[2] as keyof typeof UNITS]);
  if (moment !== undefined && !Number.isNaN(moment.getTime())) return moment;
  throw new UsageError(
    `--since must be a moment such as 2026-05-06, 2026-05-06T07:08:09Z or 2h (ago); received '${text}'.`,
  );
}

const DATE =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:\d{2})?)?$/i;

function readDate(text: string): Date | undefined {
  const [, day, time = '00:00', offset = 'Z'] = DATE.exec(text) ?? [];
  if (day === undefined) return undefined;
  const date = new Date(`${day}T${time}${offset.toUpperCase()}`);
  if (Number.isNaN(date.getTime())) return undefined;
  return isDayOfCalendar(day) ? date : undefined;
}
