import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { registerCopy } from './loaded-copies.js';

const COPIES = Symbol.for('event-tracking:copies');
const globals = globalThis as { [COPIES]?: unknown };

describe('registerCopy', () => {
  let copies: unknown;

  beforeEach(() => {
    copies = globals[COPIES];
    delete globals[COPIES];
    vi.spyOn(console, 'warn').mockImplementation(() => {});
  });

  afterEach(() => {
    globals[COPIES] = copies;
    vi.restoreAllMocks();
  });

  it('warns of a second copy, with the version and folder of both', () => {
    registerCopy('1.0.0', '/app/node_modules/nestjs-event-tracking/dist/');
    registerCopy('1.1.0', '/app/libs/node_modules/nestjs-event-tracking/dist/');
    expect(vi.mocked(console.warn).mock.calls).toEqual([
      [
        'Two copies of nestjs-event-tracking are loaded: 1.0.0 from /app/node_modules/nestjs-event-tracking/dist/ and 1.1.0 from ' +
          '/app/libs/node_modules/nestjs-event-tracking/dist/. A class cannot inject the Tracker of the other copy. ' +
          'Install one version, and import it in one way.',
      ],
    ]);
  });

  it('accepts a copy that is evaluated again, and platforms without stacks', () => {
    registerCopy('1.0.0', '/app/dist/');
    registerCopy('1.0.0', '/app/dist/');
    registerCopy('1.0.0', undefined);
    expect(console.warn).not.toHaveBeenCalled();
  });
});
