import type { TrackingEvent } from './event.js';

/** What an event takes beside its context and data: its id, its time and the objects themselves, in bytes. */
export const EVENT_OVERHEAD = 256;

/**
 * Estimates the memory that an event takes, in bytes: the length of its JSON, and what its objects cost.
 *
 * @remarks Meant for what snapshots are made of; it is no measure of what a destination will store.
 */
export function estimateEventSize(event: TrackingEvent): number {
  return (
    EVENT_OVERHEAD + event.name.length + estimateSize(event.context) + estimateSize(event.data)
  );
}

/** Estimates the length of a value's JSON, in characters. */
export function estimateSize(value: unknown): number {
  if (typeof value === 'string') return value.length + 3;
  if (typeof value !== 'object' || value === null) return 8;
  if (value instanceof Date) return 27;
  let size = 3;
  if (Array.isArray(value)) {
    for (const member of value as unknown[]) size += estimateSize(member);
    return size;
  }
  for (const key in value) {
    size += key.length + 3 + estimateSize((value as Record<string, unknown>)[key]);
  }
  return size;
}
