/**
 * An application of a fleet: it emits events, as fast as its queue has room, until it is told to end or all are emitted.
 *
 * Options besides those of the module: number (of the application), count (how many events), room (how many may wait)
 */
import { once } from 'node:events';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { Tracker } from 'nestjs-event-tracking';
import { FleetModule, say, sayAccountOf } from './fleet-module.mjs';

const { number, count, room } = JSON.parse(process.argv[2]);
const BURST = 100;

let isToEnd = false;
const told = once(process, 'SIGTERM').then(() => (isToEnd = true));

const app = await NestFactory.createApplicationContext(FleetModule, { logger: ['error', 'warn'] });
const tracker = app.get(Tracker);
tracker.enterContext('process', { application: number });
const saying = sayAccountOf(tracker);
const isFull = () => tracker.stats().backends['node.queue'].pending > room - BURST;

let emitted = 0;
while (!isToEnd && emitted < count) {
  for (const end = Math.min(count, emitted + BURST); emitted < end; emitted++) {
    tracker.emit('course.viewed', { sequence: emitted, course: { id: 'DemoX', title: 'Demo' } });
  }
  await setImmediate();
  while (!isToEnd && isFull()) await setTimeout(5);
}
await told;
await say({ stopped: emitted });
await app.close();
saying.unsubscribe();
await say({ account: tracker.stats() });
// Nothing else is to keep the process alive.
process.disconnect();
