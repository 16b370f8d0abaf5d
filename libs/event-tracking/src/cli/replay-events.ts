import type { TrackingEvent } from '../core/event/event.js';
import { isDeadLetter } from '../delivery/dead-letter.js';
import { Redelivery } from '../delivery/redelivery.js';
import { startApplication } from './application.js';
import { inBatches } from './in-batches.js';
import type { CommandLine } from './command-line.js';
import type { EventSource } from './event-source.js';
import { summaryOf } from './list-letters.js';
import { matchesFilters } from './filters.js';
import { openSource } from './open-source.js';
import { printLine } from './output.js';
import { Problems } from './problems.js';
import { RateLimiter } from './rate-limiter.js';
import { ProgressBar } from './progress-bar.js';

const MAX_BATCH = 100;

/**
 * Delivers events again through the application's trackers, and removes delivered dead letters from
 * the source.
 */
export async function replayEvents(options: CommandLine): Promise<number> {
  const problems = new Problems();
  const source = await openSource(options, problems);
  try {
    const code = options.dryRun
      ? await printDryRun(options, source)
      : await replay(options, source);
    return Math.max(code, problems.conclude());
  } finally {
    await source.close();
  }
}

async function replay(options: CommandLine, source: EventSource): Promise<number> {
  await using application = await startApplication(options.app);
  const { target, filters, rate } = options;
  const redelivery = new Redelivery(application.trackerOf, {
    ...(target === undefined ? {} : { target }),
    ...(filters.tracker === undefined ? {} : { tracker: filters.tracker }),
  });
  const progress = new ProgressBar(await countOf(source, options));
  const limiter = new RateLimiter(rate);
  let [deliveredCount, failedCount] = [0, 0];
  const batchSize = Math.min(MAX_BATCH, limiter.batchSize);
  for await (const events of inBatches(selected(source, options), batchSize)) {
    await limiter.acquire(events.length);
    const failures = await redelivery.deliver(events);
    const failed = new Set(failures.map(({ event }) => event));
    await source.remove?.(events.filter(isDeadLetter).filter((event) => !failed.has(event)));
    for (const { event, error } of failures) {
      for (const line of [...summaryOf(event), `    now: ${error}`]) progress.print(line);
    }
    failedCount += failures.length;
    deliveredCount += events.length - failures.length;
    progress.show(deliveredCount + failedCount);
  }
  await redelivery.end();
  progress.clear();
  const removed = source.remove === undefined ? '' : ' and removed from the dead letters';
  printLine(
    `${wereDelivered(deliveredCount)}${removed}, ${failedCount} failed${failedCount > 0 ? ' and remain' : ''}.`,
  );
  return failedCount === 0 ? 0 : 1;
}

/** Counts the events to deliver, unless the source can be read only once. */
async function countOf(source: EventSource, options: CommandLine): Promise<number | undefined> {
  if (source.remove === undefined) return undefined;
  let count = 0;
  for await (const _ of selected(source, options)) count++;
  return count;
}

async function printDryRun(options: CommandLine, source: EventSource): Promise<number> {
  const counts = new Map<string, number>();
  for await (const event of selected(source, options)) {
    const note = isDeadLetter(event) ? event.dead_letter : undefined;
    const tracker = note?.tracker ?? options.filters.tracker ?? 'default';
    const target = options.target ?? note?.path ?? 'nowhere (set --target)';
    const destination = `${target} of the tracker ${tracker}`;
    counts.set(destination, (counts.get(destination) ?? 0) + 1);
  }
  for (const [destination, count] of counts) {
    printLine(`${count} ${count === 1 ? 'event' : 'events'} would be delivered to ${destination}.`);
  }
  if (counts.size === 0) printLine('No event would be delivered.');
  return 0;
}

async function* selected(
  source: EventSource,
  { filters }: CommandLine,
): AsyncGenerator<TrackingEvent> {
  for await (const event of source.read()) if (matchesFilters(event, filters)) yield event;
}

function wereDelivered(count: number): string {
  return count === 1 ? '1 event was delivered' : `${count} events were delivered`;
}
