import type { EventStats, Tracker } from 'nestjs-event-tracking';
import { paint } from './paint.js';

const COLUMNS = ['arrived', 'delivered', 'filtered', 'dropped', 'pending'] as const;

/** Prints what became of the events at each place of the trackers' trees. */
export function printAccounts(trackers: readonly Tracker[]): void {
  console.log(`${row('', COLUMNS)}`);
  for (const tracker of trackers) {
    for (const [path, account] of Object.entries(tracker.stats().backends)) {
      if (path.endsWith('.deadLetter') && account.arrived === 0) continue;
      const place = path === '' ? paint('bold', tracker.name.padEnd(26)) : `  ${path}`.padEnd(26);
      console.log(
        row(
          place,
          COLUMNS.map((column) => figure(account, column)),
        ),
      );
    }
  }
}

function row(place: string, cells: readonly string[]): string {
  return `  ${place.padEnd(26)}${cells.map((cell) => cell.padStart(11)).join('')}`;
}

function figure(account: EventStats, column: (typeof COLUMNS)[number]): string {
  if (column !== 'dropped') return String(account[column]);
  return String(Object.values(account.dropped).reduce((sum, count) => sum + count, 0));
}
