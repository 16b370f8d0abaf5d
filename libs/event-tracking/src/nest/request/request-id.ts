import type { ModulesContainer } from '@nestjs/core';
import { wallTime } from '../../core/event/clock.js';
import { createEventId } from '../../core/event/event-id.js';

const REQUEST_ID = /^[\x21-\x7e][\x20-\x7e]{0,199}$/;
/** Ids that Fastify and pino-http count up; they start again with each process. */
const COUNTER = /^(?:req-[\da-z]{1,6}|\d+)$/;

const PINO_OPTIONS = 'pino-params';

interface PinoOptions {
  useExisting?: unknown;
  pinoHttp?: unknown;
}

export function requestIdOf(header: string | undefined, assigned: unknown): string {
  if (isAssignedId(assigned)) return assigned;
  return header !== undefined && REQUEST_ID.test(header) ? header : newRequestId();
}

/** Creates the id of a request or message that has none. */
export function newRequestId(): string {
  return createEventId(wallTime());
}

/** Whether the adapter or a middleware, such as that of a logger, has given a request an id. */
export function isAssignedId(id: unknown): id is string {
  return typeof id === 'string' && !COUNTER.test(id) && REQUEST_ID.test(id);
}

/** How the request logger of an application comes by its ids. */
export type LoggedIds = 'unknown' | 'counted' | 'generated';

/**
 * Returns how nestjs-pino comes by the ids that it logs: it counts, or the application generates
 * them.
 */
export function readLoggedIds(modules: ModulesContainer): LoggedIds {
  for (const { providers } of modules.values()) {
    const options: unknown = providers.get(PINO_OPTIONS)?.instance;
    if (typeof options !== 'object' || options === null) continue;
    const { useExisting, pinoHttp } = options as PinoOptions;
    if (useExisting === true) return 'unknown';
    return [pinoHttp].flat().some(generatesIds) ? 'generated' : 'counted';
  }
  return 'unknown';
}

function generatesIds(options: unknown): boolean {
  return typeof (options as { genReqId?: unknown } | undefined)?.genReqId === 'function';
}
