import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Diagnostics } from './diagnostics.js';

class RecordingLogger {
  readonly lines: string[] = [];
  warn(message: string): void {
    this.lines.push(`warn ${message}`);
  }
  error(message: string): void {
    this.lines.push(`error ${message}`);
  }
}

const MINUTE = 60_000;

function times(count: number, act: (index: number) => void): void {
  for (let index = 0; index < count; index++) act(index);
}

describe('Diagnostics', () => {
  let logger: RecordingLogger;
  let diagnostics: Diagnostics;

  beforeEach(() => {
    vi.useFakeTimers();
    logger = new RecordingLogger();
    diagnostics = new Diagnostics(logger);
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('logs errors and warnings with the methods of the logger', () => {
    diagnostics.error('a', 'lost');
    diagnostics.warn('b', 'odd');
    expect(logger.lines).toEqual(['error lost', 'warn odd']);
  });

  it('logs at most ten messages about one subject in a minute', () => {
    times(25, (index) => diagnostics.error('backend a', `a${index}`));
    diagnostics.error('backend b', 'b');
    expect(logger.lines).toEqual([
      ...Array.from({ length: 10 }, (_, index) => `error a${index}`),
      'error b',
    ]);
  });

  it('logs at most as many messages as the burst allows', () => {
    times(5, () => diagnostics.warn('a', 'odd', { burst: 1 }));
    expect(logger.lines).toEqual(['warn odd']);
  });

  it('logs the number of suppressed messages with the next one after the minute', () => {
    times(25, () => diagnostics.error('backend a', 'lost'));
    vi.advanceTimersByTime(MINUTE - 1);
    diagnostics.error('backend a', 'still the same minute');
    expect(logger.lines).toHaveLength(10);
    vi.advanceTimersByTime(1);
    diagnostics.error('backend a', 'again');
    expect(logger.lines.slice(10)).toEqual([
      expect.stringMatching(/^warn 16 more .*backend a/),
      'error again',
    ]);
  });

  it('reports the number of suppressed messages once on request', () => {
    times(12, () => diagnostics.error('backend a', 'lost'));
    diagnostics.reportSuppressed();
    diagnostics.reportSuppressed();
    expect(logger.lines.slice(10)).toEqual([expect.stringMatching(/^warn 2 more .*backend a/)]);
    diagnostics.error('backend a', 'lost');
    diagnostics.reportSuppressed();
    expect(logger.lines.slice(11)).toEqual([expect.stringMatching(/^warn 1 more .*backend a/)]);
  });

  it('reports nothing if no messages were suppressed', () => {
    diagnostics.error('backend a', 'lost');
    diagnostics.reportSuppressed();
    expect(logger.lines).toEqual(['error lost']);
  });

  it('limits messages about an endless series of subjects, and reports the suppressed ones', () => {
    times(50_000, (index) =>
      diagnostics.warn(`data of 'event.${index % 5_000}'`, 'odd', { burst: 1 }),
    );
    expect(logger.lines.length).toBeLessThan(1_100);
    const said = logger.lines.length;
    diagnostics.reportSuppressed();
    const leftOut = logger.lines
      .slice(said)
      .map((line) => Number(/^warn (\d+) more/.exec(line)?.[1]));
    expect(said + leftOut.reduce((sum, count) => sum + count, 0)).toBe(50_000);
  });

  it('logs new subjects again after the minute of old ones', () => {
    times(2_000, (index) => diagnostics.warn(`old ${index}`, 'odd'));
    vi.advanceTimersByTime(MINUTE);
    logger.lines.length = 0;
    diagnostics.warn('new', 'news');
    expect(logger.lines).toContain('warn news');
  });

  it('writes each message as one line', () => {
    diagnostics.error('a', "Unable to send the event 'a\r\nERROR forged\u2028line'");
    expect(logger.lines).toEqual([
      "error Unable to send the event 'a\\r\\nERROR forged\\u2028line'",
    ]);
  });

  it('survives a logger that throws', () => {
    const fail = (): never => {
      throw new Error('no disk');
    };
    const silent = new Diagnostics({ warn: fail, error: fail });
    times(30, () => silent.error('a', 'lost'));
    expect(() => silent.reportSuppressed()).not.toThrow();
  });

  it('survives a logger that rejects', async () => {
    vi.useRealTimers();
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const fail = (): Promise<never> => Promise.reject(new Error('no disk'));
    const silent = new Diagnostics({ warn: fail, error: fail });
    times(30, () => silent.error('a', 'lost'));
    silent.reportSuppressed();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('survives a logger that logs through it again', () => {
    const circular = new Diagnostics({
      warn: () => circular.warn('a', 'again'),
      error: () => circular.error('a', 'again'),
    });
    circular.error('a', 'first');
    circular.reportSuppressed();
  });

  it('logs to the console by default', () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    new Diagnostics().error('a', 'lost');
    expect(error).toHaveBeenCalledWith('lost');
    error.mockRestore();
  });
});
