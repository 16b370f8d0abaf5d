import { expect, it } from 'vitest';
import { ADAPTERS } from './support/http-application.js';
import { sendBesidePino } from './support/pino-application.js';

let count = 0;
const genReqId = () => `generated-${++count}-by-the-application`;

it.each(ADAPTERS)('request ids are those that nestjs-pino logs on %s', async (adapter) => {
  const requests: Record<string, string>[] = [{}, { 'x-request-id': 'given' }];
  const { tracked, logged } = await sendBesidePino(adapter, { genReqId }, requests);
  expect(tracked).toEqual(logged);
  expect(new Set(tracked).size).toBe(2);
  // Fastify has given each request an id before, so pino-http generates none.
  if (adapter === 'Express') expect(tracked[0]).toBe('generated-1-by-the-application');
  else expect(tracked[1]).toBe('given');
});
