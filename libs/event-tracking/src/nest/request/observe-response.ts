import { subscribe } from 'node:diagnostics_channel';
import { ServerResponse } from 'node:http';
import { latestScopeOf, type RequestScope } from './request-scope.js';

/** On this channel, Node publishes each response that was sent: a listener for each costs more. */
const SENT_RESPONSES = 'http.server.response.finish';
const PUBLISHES = !('bun' in process.versions) && !('deno' in process.versions);

/** The part of a response that tells when it was sent; Fastify's reply wraps it. */
interface HttpResponse {
  statusCode: number;
  on?(event: 'finish', listener: () => void): unknown;
  raw?: HttpResponse;
}

let isSubscribed = false;

/** Adds the status and the duration to the context of a request once its response has been sent. */
export function observeResponse(scope: RequestScope, response: unknown): void {
  if (typeof response !== 'object' || response === null) return;
  const { raw = response as HttpResponse } = response as HttpResponse;
  scope.openedAt = performance.now();
  if (PUBLISHES && raw.constructor === ServerResponse) subscribeOnce();
  else if (typeof raw.on === 'function') raw.on('finish', () => addAnswer(scope, raw));
}

function subscribeOnce(): void {
  if (isSubscribed) return;
  isSubscribed = true;
  subscribe(SENT_RESPONSES, (message) => {
    const { request, response } = message as { request: object; response: HttpResponse };
    let scope = latestScopeOf(request);
    for (; scope !== undefined; scope = scope.inOtherApplication) addAnswer(scope, response);
  });
}

function addAnswer(scope: RequestScope, { statusCode }: HttpResponse): void {
  const duration = performance.now() - scope.openedAt;
  scope.addAnswer(statusCode, Math.round(duration * 1_000) / 1_000);
}
