import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { UnknownTrackerError } from '../diagnostics/errors.js';
import type { TrackingEvent } from '../event/event.js';
import {
  emit,
  getTracker,
  isTrackerRegistered,
  registerTracker,
  unregisterTracker,
} from './registry.js';
import { Tracker } from './tracker.js';

function recordingTracker(): { tracker: Tracker; events: TrackingEvent[] } {
  const events: TrackingEvent[] = [];
  return {
    events,
    tracker: new Tracker({ backends: { recorder: { send: (event) => void events.push(event) } } }),
  };
}

describe('The registry of trackers', () => {
  const registered: [Tracker, string][] = [];
  const register = (tracker: Tracker, name = 'default'): void => {
    registered.push([tracker, name]);
    registerTracker(tracker, name);
  };

  let warn: ReturnType<typeof vi.spyOn>;
  beforeEach(() => {
    warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  });
  afterEach(() => {
    for (const [tracker, name] of registered.splice(0)) unregisterTracker(tracker, name);
    warn.mockRestore();
  });

  it('returns the tracker of a name, or the default tracker without a name', () => {
    const [one, other] = [new Tracker(), new Tracker()];
    registered.push([one, 'default']);
    registerTracker(one);
    register(other, 'audit');
    expect(getTracker()).toBe(one);
    expect(getTracker('default')).toBe(one);
    expect(getTracker('audit')).toBe(other);
  });

  it('replaces an earlier tracker of the same name', () => {
    const [one, other] = [new Tracker(), new Tracker()];
    register(one);
    register(other);
    expect(getTracker()).toBe(other);
  });

  it('throws for an unknown name, and lists the registered ones', () => {
    register(new Tracker(), 'audit');
    expect(() => getTracker('nope')).toThrow(UnknownTrackerError);
    expect(() => getTracker('nope')).toThrow(/'nope'.*'audit'.*registerTracker/);
    expect(() => getTracker('toString')).toThrow(UnknownTrackerError);
  });

  it('unregisters a tracker only if no other has replaced it', () => {
    const [one, other] = [new Tracker(), new Tracker()];
    register(one);
    register(other);
    unregisterTracker(one);
    expect(getTracker()).toBe(other);
    unregisterTracker(other);
    expect(isTrackerRegistered('default')).toBe(false);
  });

  it('is shared by two copies of the package', async () => {
    const { tracker } = recordingTracker();
    register(tracker);
    vi.resetModules();
    const theirs = await import('./registry.js');
    expect(theirs.getTracker).not.toBe(getTracker);
    expect(theirs.getTracker()).toBe(tracker);
  });

  describe('emit', () => {
    it('emits through the default tracker', () => {
      const { tracker, events } = recordingTracker();
      register(tracker);
      emit('course.enrolled', { course_id: 'DemoX' });
      emit();
      expect(events).toMatchObject([
        { name: 'course.enrolled', data: { course_id: 'DemoX' } },
        { name: 'unknown', data: {} },
      ]);
    });

    it('logs one warning and does not throw if there is no default tracker', () => {
      expect(emit('course.enrolled')).toBeUndefined();
      emit('course.enrolled');
      expect(warn).toHaveBeenCalledTimes(1);
      expect(warn).toHaveBeenCalledWith(
        expect.stringMatching(/'course\.enrolled'.*registerTracker/),
      );
    });

    it('does not throw for a proxy of an event type whose name cannot be read', () => {
      const type = new Proxy(
        {},
        {
          get(_, key) {
            if (key === 'name') throw new Error('no name');
            return 'event';
          },
        },
      );
      expect(emit(type as unknown as string)).toBeUndefined();
      const { tracker } = recordingTracker();
      register(tracker);
      expect(emit(type as unknown as string)).toBeUndefined();
      expect(tracker.stats()).toMatchObject({ arrived: 1, dropped: { internal_error: 1 } });
    });
  });
});
