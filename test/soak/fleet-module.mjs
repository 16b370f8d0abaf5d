/** What the applications and the workers of a fleet share. */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { EventTrackingModule, observeStats } from 'nestjs-event-tracking';
import { bullMqQueue } from 'nestjs-event-tracking/bullmq';
import { mongoBackend } from 'nestjs-event-tracking/mongo';

const { mongoUri, redisPort } = JSON.parse(process.argv[2]);

export class FleetModule {}
Module({
  imports: [
    MongooseModule.forRoot(mongoUri),
    EventTrackingModule.forRoot({
      shutdownTimeout: 60_000,
      backends: {
        node: {
          queue: bullMqQueue({
            connection: { host: '127.0.0.1', port: redisPort },
            // What a killed worker held is to be taken up soon.
            worker: { stalledInterval: 2_000, lockDuration: 5_000 },
          }),
          backends: { mongo: mongoBackend() },
        },
      },
    }),
  ],
})(FleetModule);

/** Tells the parent process, again and again, what became of the events. */
export function sayAccountOf(tracker) {
  return observeStats(tracker, { interval: 50 }).subscribe((account) => say({ account }));
}

/** Resolves when the parent process has been told. */
export async function say(message) {
  await new Promise((resolve) => process.send(message, resolve));
}
