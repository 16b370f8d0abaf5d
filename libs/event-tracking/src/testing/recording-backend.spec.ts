import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import { Tracker } from '../core/tracker/tracker.js';
import { RecordingBackend } from './recording-backend.js';

const silent = { warn() {}, error() {} };

function recorded(): { recording: RecordingBackend; tracker: Tracker } {
  const recording = new RecordingBackend();
  return { recording, tracker: new Tracker({ backends: { recording }, logger: silent }) };
}

describe('RecordingBackend', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('records events in order and with their context before emit returns', () => {
    const { recording, tracker } = recorded();
    tracker.emit('a', { n: 1 });
    tracker.context({ user_id: 7 }, () => tracker.emit('b'));
    tracker.emit('a', { n: 2 });
    expect(recording.events.map(({ name, data, context }) => [name, data, context])).toEqual([
      ['a', { n: 1 }, {}],
      ['b', {}, { user_id: 7 }],
      ['a', { n: 2 }, {}],
    ]);
    expect(recording.named('a').map(({ data }) => data)).toEqual([{ n: 1 }, { n: 2 }]);
    expect(recording.named('c')).toEqual([]);
  });

  it('returns a list that later events do not change', () => {
    const { recording, tracker } = recorded();
    tracker.emit('a');
    const before = recording.events;
    tracker.emit('b');
    expect(before).toHaveLength(1);
    recording.clear();
    expect(before).toHaveLength(1);
    expect(recording.events).toEqual([]);
  });

  describe('failNext', () => {
    it('fails the requested number of deliveries, one failure after another', () => {
      const { recording, tracker } = recorded();
      recording.failNext(new Error('twice'), 2);
      recording.failNext(new Error('once'));
      for (const name of ['a', 'b', 'c', 'd']) tracker.emit(name);
      expect(recording.events.map(({ name }) => name)).toEqual(['d']);
      expect(tracker.stats().backends['recording']).toMatchObject({
        delivered: 1,
        dropped: { failed: 3 },
      });
    });

    it('throws the given value even if it is not an error', () => {
      const recording = new RecordingBackend();
      recording.failNext('no error');
      expect(() =>
        recording.send({ id: '1', name: 'a', timestamp: new Date(), context: {}, data: {} }),
      ).toThrow('no error');
    });

    it('is cancelled by clear', () => {
      const { recording, tracker } = recorded();
      recording.failNext(new Error('never'));
      recording.clear();
      tracker.emit('a');
      expect(recording.events).toHaveLength(1);
    });

    it.each([0, -1, 1.5, Number.NaN, Infinity])('rejects %s as the number of failures', (times) => {
      expect(() => new RecordingBackend().failNext(new Error('?'), times)).toThrow(
        ImproperlyConfigured,
      );
    });
  });

  describe('whenRecorded', () => {
    it('resolves immediately if there are enough events', async () => {
      const { recording, tracker } = recorded();
      tracker.emit('a');
      tracker.emit('b');
      expect(await recording.whenRecorded(1)).toHaveLength(2);
      expect(await recording.whenRecorded(0)).toHaveLength(2);
      expect(vi.getTimerCount()).toBe(0);
    });

    it('resolves each pending call once there are enough events', async () => {
      const { recording, tracker } = recorded();
      const one = recording.whenRecorded(1);
      const two = recording.whenRecorded(2);
      tracker.emit('a');
      tracker.emit('b');
      tracker.emit('c');
      expect((await one).map(({ name }) => name)).toEqual(['a']);
      expect((await two).map(({ name }) => name)).toEqual(['a', 'b']);
      expect(vi.getTimerCount()).toBe(0);
    });

    it('rejects with the recorded events on timeout', async () => {
      const { recording, tracker } = recorded();
      tracker.emit('course.viewed', { course_id: 'DemoX' });
      const waiting = expect(recording.whenRecorded(2, { timeout: 500 })).rejects.toThrow(
        'Expected 2 events within 500 ms. 1 event was recorded:\n  1. course.viewed {"course_id":"DemoX"}',
      );
      vi.advanceTimersByTime(500);
      await waiting;
      tracker.emit('late');
    });

    it('waits two seconds by default and reports that nothing was recorded', async () => {
      const waiting = expect(new RecordingBackend().whenRecorded(1)).rejects.toThrow(
        /^Expected 1 event within 2000 ms\. Nothing was recorded\.$/,
      );
      vi.advanceTimersByTime(1_999);
      expect(vi.getTimerCount()).toBe(1);
      vi.advanceTimersByTime(1);
      await waiting;
    });

    it('lists at most twenty events, each on one line', async () => {
      const { recording, tracker } = recorded();
      for (let n = 0; n < 25; n++) tracker.emit('e', { text: 'x'.repeat(1_000), n });
      const waiting = expect(recording.whenRecorded(26)).rejects.toThrow(
        /25 events were recorded:\n(?: {2}\d+\. e \{"text":"x{150,200}…\n){20} {2}… and 5 more$/,
      );
      vi.advanceTimersByTime(2_000);
      await waiting;
    });

    it('rejects with the reason as cause when its signal aborts', async () => {
      const { recording, tracker } = recorded();
      const controller = new AbortController();
      const waiting = recording.whenRecorded(1, { signal: controller.signal });
      controller.abort('enough');
      await expect(waiting).rejects.toMatchObject({
        message: 'Expected 1 event before the signal aborted. Nothing was recorded.',
        cause: 'enough',
      });
      tracker.emit('a');
      const { signal } = controller;
      await expect(recording.whenRecorded(2, { signal })).rejects.toThrow('before the signal');
      expect(await recording.whenRecorded(1, { signal })).toHaveLength(1);
      expect(vi.getTimerCount()).toBe(0);
    });
  });
});
