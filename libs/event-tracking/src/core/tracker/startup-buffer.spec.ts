import { describe, expect, it } from 'vitest';
import type { TrackingEvent } from '../event/event.js';
import { StartupBuffer } from './startup-buffer.js';

const event = (name: string): TrackingEvent => ({
  id: name,
  name,
  timestamp: new Date(),
  context: {},
  data: {},
});

describe('HeldEvents', () => {
  it('returns its events once, oldest first', () => {
    const held = new StartupBuffer();
    held.hold(event('a'));
    held.hold(event('b'));
    expect(held.size).toBe(2);
    expect(held.release().map(({ name }) => name)).toEqual(['a', 'b']);
    expect(held.release()).toEqual([]);
    expect(held.size).toBe(0);
  });

  it('rejects events beyond its capacity', () => {
    const held = new StartupBuffer(2);
    expect(['a', 'b', 'c'].map((name) => held.hold(event(name)))).toEqual([true, true, false]);
    expect(held.release().map(({ name }) => name)).toEqual(['a', 'b']);
    expect(held.hold(event('d'))).toBe(true);
  });
});
