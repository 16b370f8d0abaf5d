export { ThreadFilter } from './thread-filter.js';
export type { ThreadOptions } from './thread-options.js';
export { ThreadProcessor } from './thread-processor.js';
