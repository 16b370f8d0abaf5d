export { posthogBackend, type PosthogBackendDefinition } from './posthog-backend-definition.js';
export { PosthogBackend, type PosthogBackendOptions } from './posthog-backend.js';
export type { PosthogMapping } from './posthog-message.js';
