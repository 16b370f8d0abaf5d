import { randomUUID } from 'node:crypto';
import type { DeadLetter } from 'nestjs-event-tracking';

/** Creates the dead letter of an event that every attempt failed for. */
export function letterOf(name: string, data: Record<string, unknown> = {}): DeadLetter {
  return {
    id: randomUUID(),
    name,
    timestamp: new Date(1),
    context: {},
    data,
    dead_letter: {
      tracker: 'default',
      path: 'crm',
      reason: 'exhausted',
      error: '503',
      attempts: 10,
      time: new Date(2),
    },
  };
}
