import { isDate } from '../diagnostics/built-in.js';
import type { TrackingEvent } from './event.js';

/** The bytes of an event apart from its context and data: its id, its time and the objects. */
export const EVENT_OVERHEAD = 256;

/** Bounds the walk, because a processor may have made the event endless. */
const MAX_VALUES = 100_000;
const MAX_DEPTH = 200;

/**
 * Estimates the memory of an event in bytes: the length of its JSON plus the cost of its objects.
 *
 * @remarks
 * A destination may store more or less. Never throws, even if a processor made the event
 * unreadable.
 */
export function estimateEventSize(event: TrackingEvent): number {
  const estimate = new Estimate();
  try {
    estimate.add(event.name, 0);
    estimate.add(event.data, 0);
    estimate.add(event.context, 0);
  } catch {
    // A getter threw: the count so far is the estimate.
  }
  return EVENT_OVERHEAD + estimate.size;
}

/** Estimates the length of a value's JSON, in characters; never throws. */
export function estimateSize(value: unknown): number {
  const estimate = new Estimate();
  try {
    estimate.add(value, 0);
  } catch {
    // A getter threw: the count so far is the estimate.
  }
  return estimate.size;
}

class Estimate {
  size = 0;
  #values = 0;

  add(value: unknown, depth: number): void {
    if (typeof value === 'string') {
      this.size += value.length + 3;
      return;
    }
    this.size += 8;
    if (typeof value !== 'object' || value === null || isDate(value)) return;
    if (depth === MAX_DEPTH) return;
    if (Array.isArray(value)) {
      for (const member of value as unknown[]) {
        if (++this.#values > MAX_VALUES) return;
        this.add(member, depth + 1);
      }
      return;
    }
    if (ArrayBuffer.isView(value)) {
      this.size += value.byteLength;
      return;
    }
    for (const key in value) {
      if (++this.#values > MAX_VALUES) return;
      this.size += key.length + 3;
      this.add((value as Record<string, unknown>)[key], depth + 1);
    }
  }
}
