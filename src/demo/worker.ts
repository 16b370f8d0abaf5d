/** The worker of the demo: it does what `worker.ts` does, and tells the demo what was delivered. */
import { createEventTrackingWorker, getTrackerToken, type Tracker } from 'nestjs-event-tracking';
import { TrackingModule } from '../tracking/tracking.module.js';
import { DeliveryWatch } from './watch-deliveries.js';

const worker = await createEventTrackingWorker(TrackingModule, { logger: ['error', 'warn'] });
const tracker = worker.get<Tracker>(getTrackerToken());
new DeliveryWatch(tracker, (delivery) => process.send?.(delivery));
process.on('disconnect', () => void worker.close());
process.send?.('ready');
