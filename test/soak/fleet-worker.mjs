/** A worker of a fleet: consumes events from the queue until SIGTERM. */
import { createEventTrackingWorker, Tracker } from 'nestjs-event-tracking';
import { FleetModule, reportStats } from './fleet-module.mjs';

const worker = await createEventTrackingWorker(FleetModule, { logger: ['error', 'warn'] });
reportStats(worker.get(Tracker));
