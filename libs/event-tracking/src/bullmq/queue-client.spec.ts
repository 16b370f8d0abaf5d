import { expect, it } from 'vitest';
import { checkVersion } from './queue-client.js';

it('BullMqEventQueue rejects an old version of BullMQ, and accepts the installed one', () => {
  expect(() => checkVersion({})).toThrow(
    /^BullMqEventQueue: bullmq must be version 5\.81 or newer, or 6; received an older version\./,
  );
  expect(() => checkVersion()).not.toThrow();
});
