import { createEventTrackingWorker } from 'nestjs-event-tracking';
import { queueLocation } from './tracking/queue.js';
import { TrackingModule } from './tracking/tracking.module.js';
import { warehouseLocation } from './tracking/warehouse.js';

await createEventTrackingWorker(TrackingModule);
console.log(`The worker delivers events from ${queueLocation()} to ${warehouseLocation()}.`);
