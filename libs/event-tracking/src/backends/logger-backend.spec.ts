import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TrackingEvent } from '../core/event/event.js';
import { parseEvent } from '../core/event/serialize-event.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import { Tracker } from '../core/tracker/tracker.js';
import { LoggerBackend, type LoggerBackendOptions } from './logger-backend.js';

const ID = '01a20cbb-e184-7580-b6a8-000000000001';

function event(data: Record<string, unknown>, name = 'sold'): TrackingEvent {
  return { id: ID, name, timestamp: new Date('2026-05-06T07:08:09.123Z'), context: {}, data };
}

function logged(options: LoggerBackendOptions, ...events: TrackingEvent[]): string[] {
  const lines: string[] = [];
  const backend = new LoggerBackend({ logger: { log: (line) => lines.push(line) }, ...options });
  for (const each of events) void backend.send(each);
  return lines;
}

const rejections: unknown[] = [];
const recordRejection = (reason: unknown): void => void rejections.push(reason);

beforeEach(() => {
  rejections.length = 0;
  process.on('unhandledRejection', recordRejection);
});

afterEach(() => void process.off('unhandledRejection', recordRejection));

describe('LoggerBackend', () => {
  it('counts an event as failed if the logger rejects, without an unhandled rejection', async () => {
    const log = { warn: vi.fn<() => void>(), error: vi.fn<(text: string) => void>() };
    const logger = { log: () => Promise.reject(new Error('the disk is full')) };
    const oversize = { maxEventSize: 192, oversize: 'warn' } as const;
    const warn = (): Promise<void> => Promise.reject(new Error('no warnings'));
    const backends = {
      plain: new LoggerBackend({ logger }),
      warned: new LoggerBackend({ logger: { log: () => {}, warn }, ...oversize } as never),
    };
    const tracker = new Tracker({ backends, logger: log });
    tracker.emit('sold', { text: 'x'.repeat(200) });
    await tracker.flush();
    await new Promise((resolve) => setImmediate(resolve));
    expect(tracker.stats().backends['plain']).toMatchObject({ dropped: { failed: 1 } });
    expect(log.error).toHaveBeenCalledWith(expect.stringMatching(/the disk is full/));
    expect(rejections).toEqual([]);
  });

  it('truncates any event to valid JSON within the limit', () => {
    const data = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 5 }));
    const name = fc.string({ unit: 'binary', maxLength: 400 });
    fc.assert(
      fc.property(data, name, fc.integer({ min: 192, max: 2_000 }), (content, called, limit) => {
        const whole = event({ ...content, text: '🙂'.repeat(1_000) }, called);
        const [line] = logged({ maxEventSize: limit, oversize: 'truncate' }, whole);
        expect(Buffer.byteLength(line!)).toBeLessThanOrEqual(limit);
        expect(line).not.toMatch(/[\r\n]/);
        expect(parseEvent(line!)).toMatchObject({ id: ID, truncated: true });
      }),
    );
  });

  it('truncates events with circular data or values that JSON cannot represent', () => {
    const circle: Record<string, unknown> = { text: 'x'.repeat(1_000), count: 10n };
    circle['again'] = circle;
    const [line] = logged({ maxEventSize: 400, oversize: 'truncate' }, event({ circle }));
    expect(parseEvent(line!)).toMatchObject({
      truncated: true,
      data: { circle: { count: '10', again: '[Circular]' } },
    });
  });
});

describe('LoggerBackend', () => {
  const method = () => vi.fn<(...args: unknown[]) => void>();

  it('logs a line by info to a logger whose log expects a level first, such as winston', () => {
    const winston = { log: method(), info: method(), warn: method(), debug: method() };
    void new LoggerBackend({ logger: winston }).send(event({ total: 12 }));
    expect(winston.log).not.toHaveBeenCalled();
    expect(parseEvent(String(winston.info.mock.calls[0]![0]))).toEqual(event({ total: 12 }));
    void new LoggerBackend({ logger: winston, level: 'debug' }).send(event({}));
    expect(winston.debug).toHaveBeenCalledTimes(1);
  });

  it('rejects a logger that lacks the method of its level', () => {
    const make = () => new LoggerBackend({ logger: { log: () => {} }, level: 'fatal' });
    expect(make).toThrow(ImproperlyConfigured);
    expect(make).toThrow(/logger must have the method fatal\(\) for its level.*Set level to one/);
  });

  it('escapes control, bidirectional and zero-width characters in lines', () => {
    const text = '\u001b[2K\u009b1A\u0085\u2028\u202e\u200b';
    const [line] = logged({}, event({ text }, text));
    expect(line).toMatch(/^[ -~]*$/);
    expect(parseEvent(line!)).toEqual(event({ text }, text));
  });
});
