import { createEventTrackingWorker } from 'nestjs-event-tracking';
import { placeOfQueue } from './tracking/queue.js';
import { TrackingModule } from './tracking/tracking.module.js';
import { placeOfEvents } from './tracking/warehouse.js';

await createEventTrackingWorker(TrackingModule);
console.log(`The worker takes events out of ${placeOfQueue()} to ${placeOfEvents()}.`);
