import { paint } from './paint.js';
import { textOf } from './text-of.js';
import type { Delivery } from './watch-deliveries.js';

const TIME_WIDTH = 14;
const NAME_WIDTH = 26;
const WHO_WIDTH = 6;

/** Context that all events share, or that has its own column. */
const NOT_REPEATED = 'release server host ip agent origin user_id method path job'.split(' ');

/** Prints the legend of {@link printDelivery}. */
export function printLegend(): void {
  printLines(
    ['time', 'event', 'who', 'request or job'],
    ['→ delivered to', 'data · context (each also has release, server, host, ip, agent, origin)'],
    'dim',
  );
}

/** Prints an event in two lines: name, user and request; then destinations, data and context. */
export function printDelivery({ tracker, event, backends }: Delivery): void {
  const { name, context, data } = event;
  const rest = Object.entries(context).filter(([key]) => !NOT_REPEATED.includes(key));
  const destinations = backends.map((path) => path.split('.').at(-1)).join(', ');
  printLines(
    [
      event.timestamp.toISOString().slice(11, 23),
      name,
      textOf(context['user_id']),
      textOf(context['job'] ?? `${textOf(context['method'])} ${textOf(context['path'])}`),
    ],
    [
      `→ ${tracker === 'default' ? '' : `${tracker} `}${destinations}`,
      [...Object.entries(data), ...rest].map(pair).join(' · '),
    ],
    'bold',
  );
}

function printLines(
  [time, name, who, where]: [string, string, string, string],
  [destinations, known]: [string, string],
  style: 'bold' | 'dim',
): void {
  console.log(
    paint('dim', time.padEnd(TIME_WIDTH)) +
      paint(style, name.padEnd(NAME_WIDTH)) +
      paint('cyan', who.padEnd(WHO_WIDTH)) +
      where,
  );
  console.log(
    ' '.repeat(TIME_WIDTH) +
      paint('green', destinations.padEnd(NAME_WIDTH + WHO_WIDTH)) +
      paint('dim', known),
  );
}

function pair([key, value]: [string, unknown]): string {
  return `${key}=${textOf(value)}`;
}
