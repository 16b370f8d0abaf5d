export type { EventDocument } from './event-document.js';
export {
  mongoBackend,
  type MongoBackendDefinition,
  type MongoDefinitionOptions,
} from './mongo-backend-definition.js';
export type {
  MongoBackendOptions,
  MongoIndex,
  MongoStorageOptions,
  MongoTimeSeries,
} from './mongo-backend-options.js';
export { MongoBackend } from './mongo-backend.js';
export { MongoDeadLetters } from './mongo-dead-letters.js';
export { TrackedEvent, TrackedEventSchema } from './tracked-event.js';
