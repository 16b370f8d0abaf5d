import type { EventStats, Tracker } from 'nestjs-event-tracking';
import { paint } from './paint.js';

const COLUMNS = ['arrived', 'delivered', 'filtered', 'dropped', 'pending'] as const;

/** Prints the event counts of each node and backend of the trackers. */
export function printStats(trackers: readonly Tracker[]): void {
  console.log(`${row('', COLUMNS)}`);
  for (const tracker of trackers) {
    for (const [path, stats] of Object.entries(tracker.stats().backends)) {
      if (path.endsWith('.deadLetter') && stats.arrived === 0) continue;
      const label = path === '' ? paint('bold', tracker.name.padEnd(26)) : `  ${path}`.padEnd(26);
      console.log(
        row(
          label,
          COLUMNS.map((column) => countIn(stats, column)),
        ),
      );
    }
  }
}

function row(label: string, cells: readonly string[]): string {
  return `  ${label.padEnd(26)}${cells.map((cell) => cell.padStart(11)).join('')}`;
}

function countIn(stats: EventStats, column: (typeof COLUMNS)[number]): string {
  if (column !== 'dropped') return String(stats[column]);
  return String(Object.values(stats.dropped).reduce((sum, count) => sum + count, 0));
}
