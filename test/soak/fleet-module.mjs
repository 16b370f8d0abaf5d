/** The module that the applications and the workers of a fleet share. */
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
            // Other workers recover the jobs of a killed worker soon.
            worker: { stalledInterval: 2_000, lockDuration: 5_000 },
          }),
          backends: { mongo: mongoBackend() },
        },
      },
    }),
  ],
})(FleetModule);

/** Reports the stats of a tracker to the parent process periodically. */
export function reportStats(tracker) {
  return observeStats(tracker, { interval: 50 }).subscribe((stats) => report({ stats }));
}

/** Sends a message to the parent process; resolves when it is sent. */
export async function report(message) {
  await new Promise((resolve) => process.send(message, resolve));
}
