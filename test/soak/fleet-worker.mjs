/** A worker of a fleet: it takes events out of the queue until it is told to end. */
import { createEventTrackingWorker, Tracker } from 'nestjs-event-tracking';
import { FleetModule, sayAccountOf } from './fleet-module.mjs';

const worker = await createEventTrackingWorker(FleetModule, { logger: ['error', 'warn'] });
sayAccountOf(worker.get(Tracker));
