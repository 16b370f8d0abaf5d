/** A Nest application that emits to MongoDB until SIGTERM, and then prints its stats. */
import 'reflect-metadata';
import { writeSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MongooseModule } from '@nestjs/mongoose';
import { EventTrackingModule, Tracker } from 'nestjs-event-tracking';
import { mongoBackend } from 'nestjs-event-tracking/mongo';

const { uri, shutdownTimeout } = JSON.parse(process.argv[2]);

class AppModule {}
Module({
  imports: [
    MongooseModule.forRoot(uri),
    EventTrackingModule.forRoot({
      shutdownTimeout,
      backends: { mongo: mongoBackend({ delivery: { timeout: 1_000, flushInterval: 20 } }) },
    }),
  ],
})(AppModule);

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
const tracker = app.get(Tracker);
let emitted = 0;
const timer = setInterval(() => {
  for (let count = 0; count < 50; count++) tracker.emit('course.viewed', { index: emitted++ });
  writeSync(1, `emitted ${emitted}\n`);
}, 2);

async function allDelivered() {
  while (tracker.stats().backends.mongo.pending > 0) await setTimeout(20);
}

process.once('SIGTERM', async () => {
  clearInterval(timer);
  tracker.emit('terminated', { index: emitted++ });
  // Mongoose may wait forever for a server that does not answer; event tracking does not.
  await Promise.race([app.close(), allDelivered()]);
  const stats = tracker.stats().backends.mongo;
  writeSync(1, `end ${JSON.stringify({ emitted, stats })}\n`);
  process.exit(0);
});
