export {
  segmentBackend,
  type SegmentBackendDefinition,
  type SegmentDeliveryOptions,
  type SegmentOptionsFactory,
} from './segment-backend-definition.js';
export { SegmentBackend, type SegmentBackendOptions } from './segment-backend.js';
export { SegmentResponseError } from './segment-failure.js';
export type { AnonymousId } from './segment-message.js';
