export { BlockedAddressError } from './guarded-connector.js';
export { httpBackend, type HttpBackendDefinition } from './http-backend-definition.js';
export type {
  HttpAddresses,
  HttpAuth,
  HttpBackendOptions,
  HttpOAuth2,
} from './http-backend-options.js';
export { HttpBackend } from './http-backend.js';
export type { HttpResponse } from './http-response.js';
export type { BackendOptionsFactory, HttpDeliveryOptions } from './options-factory.js';
export { isPublicAddress } from './public-address.js';
export type { HttpBody, HttpFormat } from './request-body.js';
export { webhookBackend, type WebhookBackendDefinition } from './webhook-backend-definition.js';
export { WebhookBackend, type WebhookBackendOptions } from './webhook-backend.js';
