/**
 * An application of a fleet: emits events as fast as its queue has room, until SIGTERM or until it
 * has emitted all of them.
 *
 * Options, in addition to those of the module: number (of the application), count (of events), room
 * (how many events may wait)
 */
import { once } from 'node:events';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { Tracker } from 'nestjs-event-tracking';
import { FleetModule, report, reportStats } from './fleet-module.mjs';

const { number, count, room } = JSON.parse(process.argv[2]);
const BURST = 100;

let isStopping = false;
const terminated = once(process, 'SIGTERM').then(() => (isStopping = true));

const app = await NestFactory.createApplicationContext(FleetModule, { logger: ['error', 'warn'] });
const tracker = app.get(Tracker);
tracker.enterContext('process', { application: number });
const reporting = reportStats(tracker);
const isFull = () => tracker.stats().backends['node.queue'].pending > room - BURST;

let emitted = 0;
while (!isStopping && emitted < count) {
  for (const end = Math.min(count, emitted + BURST); emitted < end; emitted++) {
    tracker.emit('course.viewed', { sequence: emitted, course: { id: 'DemoX', title: 'Demo' } });
  }
  await setImmediate();
  while (!isStopping && isFull()) await setTimeout(5);
}
await terminated;
await report({ stopped: emitted });
await app.close();
reporting.unsubscribe();
await report({ stats: tracker.stats() });
// The channel to the parent process would keep the process alive.
process.disconnect();
