import { describe, expect, it } from 'vitest';
import { ADAPTERS } from './support/http-application.js';
import { sendBesidePino } from './support/pino-application.js';

describe.each(ADAPTERS)('request ids beside nestjs-pino on %s', (adapter) => {
  it('are unique and in the log, where the logger would count', async () => {
    const { tracked, logged } = await sendBesidePino(adapter, {}, [{}, {}]);
    expect(logged).toEqual(tracked);
    expect(new Set(tracked).size).toBe(2);
    for (const id of tracked) expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-/);
  });

  it('come from the header, also in the log', async () => {
    const { tracked, logged } = await sendBesidePino(adapter, {}, [{ 'x-request-id': 'given' }]);
    expect(tracked).toEqual(['given']);
    expect(logged).toEqual(['given']);
  });
});
