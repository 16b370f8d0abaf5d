import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { SchedulerRegistry } from '@nestjs/schedule';
import { EventEmissionExit, getTrackerToken, Tracker } from 'nestjs-event-tracking';
import { AppModule } from './app.module.js';
import { compareEvents, type ComparedEvent } from './demo/compare-events.js';
import { expectedEvents, RELEASE } from './demo/expected-events.js';
import { paint } from './demo/paint.js';
import { printDelivery, printLegend } from './demo/print-delivery.js';
import { printStats } from './demo/print-stats.js';
import { receiveVisitors } from './demo/visitors.js';
import { joinDeliveries } from './demo/join-deliveries.js';
import { DeliveryWatch, type Delivery } from './demo/watch-deliveries.js';
import { WorkerProcess } from './demo/worker-process.js';
import { ENROLMENT_REMINDER } from './enrolments/enrolment-reminder.job.js';
import { needsWorker, queueLocation } from './tracking/queue.js';
import { warehouseLocation } from './tracking/warehouse.js';

process.env['RELEASE'] = RELEASE;
const directory = await mkdtemp(join(tmpdir(), 'course-events-'));
process.env['EVENTS_FILE'] ??= join(directory, 'events.ndjson');
process.env['EVENTS_QUEUE'] ??= needsWorker
  ? `course-events-${process.pid}`
  : join(directory, 'queue');
const worker = needsWorker ? await WorkerProcess.start(printDelivery) : undefined;
const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
await app.listen(0, '127.0.0.1');
const url = await app.getUrl();
const trackers = [app.get(Tracker), app.get<Tracker>(getTrackerToken('audit'))];
const job = app.get(SchedulerRegistry).getCronJob(ENROLMENT_REMINDER);
await job.stop(); // the demo runs the job itself
const watches = trackers.map((tracker) => new DeliveryWatch(tracker, printDelivery));
dropEvents(process.env['DEMO_DROP']);

heading('Six visitors of a course API, all at the same time');
printLegend();
const complaints = await receiveVisitors(url);
await eventsArePrinted();

heading('The nightly job');
await job.fireOnTick();
await eventsArePrinted();
await app.close();
await worker?.stop();

heading('Event counts of each node and backend');
printStats(trackers);
console.log(
  `\n  Events for analytics.warehouse waited in ${queueLocation()}` +
    `${worker === undefined ? '' : `; a worker delivered them (process ${worker.pid})`}.`,
);
console.log(`  analytics.warehouse stored its events in ${warehouseLocation()}.`);

const delivered = joinDeliveries([...watches, ...(worker === undefined ? [] : [worker])]);
const differences = [
  ...complaints,
  ...trackers.flatMap(({ violations }) => violations.map(({ message }) => message)),
  ...compareEvents(expectedEvents(url), delivered.map(comparedEvent)),
];
if (differences.length === 0) {
  heading(
    paint(
      'green',
      `✓ ${delivered.length} events, each with exactly the expected context, data and destinations`,
    ),
  );
} else {
  heading(paint('red', '✗ The delivered events differ from the expected ones'));
  for (const difference of differences) console.log(`  ${difference}`);
  process.exitCode = 1;
}

async function eventsArePrinted(): Promise<void> {
  await Promise.all(watches.map((watch) => watch.settled()));
  await worker?.hasDelivered(trackers[0]!.stats().backends['analytics.queue']!.delivered);
}

function heading(text: string): void {
  console.log(`\n${paint('bold', text)}\n`);
}

/** Drops an event to show how the demo reports it: `DEMO_DROP=course.enrolled npm run demo`. */
function dropEvents(name: string | undefined): void {
  if (name === undefined) return;
  app.get(Tracker).registerProcessor((event) => {
    if (event.name === name) throw new EventEmissionExit();
  });
}

/** Omits the IP address, which differs between machines. */
function comparedEvent({ tracker, event, backends }: Delivery): ComparedEvent {
  const { ip: _, ...context } = event.context;
  const { name, data } = event;
  return { name, data, context, to: backends.map((path) => `${tracker} ${path}`) };
}
