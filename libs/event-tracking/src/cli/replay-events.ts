import type { TrackingEvent } from '../core/event/event.js';
import { isDeadLetter } from '../delivery/dead-letter.js';
import { Redelivery } from '../delivery/redelivery.js';
import { startApplication } from './application.js';
import { chunksOf } from './chunks.js';
import type { CommandLine } from './command-line.js';
import type { EventSource } from './event-source.js';
import { summaryOf } from './list-letters.js';
import { matches } from './matches.js';
import { openSource } from './open-source.js';
import { Pace } from './pace.js';
import { ProgressBar } from './progress-bar.js';

const CHUNK = 100;

/** Delivers events again by the trackers of the application, and removes from the source what was delivered. */
export async function replayEvents(line: CommandLine): Promise<number> {
  const source = await openSource(line);
  try {
    return line.dryRun ? await sayWhatWouldBeDone(line, source) : await replay(line, source);
  } finally {
    await source.close();
  }
}

async function replay(line: CommandLine, source: EventSource): Promise<number> {
  await using application = await startApplication(line.app);
  const { target, filters, rate } = line;
  const redelivery = new Redelivery(application.trackerOf, {
    ...(target === undefined ? {} : { target }),
    ...(filters.tracker === undefined ? {} : { tracker: filters.tracker }),
  });
  const progress = new ProgressBar(await countOf(source, line));
  const pace = new Pace(rate);
  let [delivered, failed] = [0, 0];
  for await (const events of chunksOf(wanted(source, line), Math.min(CHUNK, pace.portion))) {
    await pace.allow(events.length);
    const failures = await redelivery.deliver(events);
    const failing = new Set(failures.map(({ event }) => event));
    await source.remove?.(events.filter(isDeadLetter).filter((event) => !failing.has(event)));
    for (const { event, error } of failures) progress.say(`${summaryOf(event)}\n    now: ${error}`);
    failed += failures.length;
    delivered += events.length - failures.length;
    progress.show(delivered + failed);
  }
  await redelivery.end();
  progress.end();
  const removed = source.remove === undefined ? '' : ' and taken out of the dead letters';
  console.log(
    `${eventsOf(delivered)} delivered${removed}, ${failed} failed${failed > 0 ? ' and stay' : ''}.`,
  );
  return failed === 0 ? 0 : 1;
}

/** How many events there are to deliver; unknown of what can be read only once. */
async function countOf(source: EventSource, line: CommandLine): Promise<number | undefined> {
  if (source.remove === undefined) return undefined;
  let count = 0;
  for await (const _ of wanted(source, line)) count++;
  return count;
}

async function sayWhatWouldBeDone(line: CommandLine, source: EventSource): Promise<number> {
  const counts = new Map<string, number>();
  for await (const event of wanted(source, line)) {
    const note = isDeadLetter(event) ? event.dead_letter : undefined;
    const tracker = note?.tracker ?? line.filters.tracker ?? 'default';
    const place = `${line.target ?? note?.path ?? 'nowhere: name a --target'} of the tracker ${tracker}`;
    counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  for (const [place, count] of counts)
    console.log(`${count} ${count === 1 ? 'event' : 'events'} would be delivered to ${place}.`);
  if (counts.size === 0) console.log('There is nothing to be delivered.');
  return 0;
}

async function* wanted(
  source: EventSource,
  { filters }: CommandLine,
): AsyncGenerator<TrackingEvent> {
  for await (const event of source.read()) if (matches(event, filters)) yield event;
}

function eventsOf(count: number): string {
  return count === 1 ? '1 event was' : `${count} events were`;
}
