/** The worker of the demo: does the same as `worker.ts` and reports deliveries to the demo. */
import { createEventTrackingWorker, getTrackerToken, type Tracker } from 'nestjs-event-tracking';
import { TrackingModule } from '../tracking/tracking.module.js';
import { DeliveryWatch } from './watch-deliveries.js';

const worker = await createEventTrackingWorker(TrackingModule, { logger: ['error', 'warn'] });
const tracker = worker.get<Tracker>(getTrackerToken());
new DeliveryWatch(tracker, (delivery) => process.send?.(delivery));
process.on('disconnect', () => void worker.close());
process.send?.('ready');
