import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { TrackingEvent } from '../core/event/event.js';
import { serializeEvent } from '../core/event/serialize-event.js';
import { EventLines } from './event-lines.js';
import { Problems } from './problems.js';

const event = {
  id: '01a20cbb-e184-7580-b6a8-d13d4d7e19bc',
  name: 'order.paid',
  timestamp: new Date('2026-05-06T07:08:09.123Z'),
  context: { user_id: 7 },
  data: { total: 12 },
};
const line = serializeEvent(event);

let problems: Problems;

beforeEach(() => {
  problems = new Problems();
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});

async function eventsIn(...chunks: (string | Buffer)[]): Promise<TrackingEvent[]> {
  const bytes = chunks.map((chunk) => Buffer.from(chunk));
  const source = new EventLines(Readable.from(bytes), 'log', problems);
  const events: TrackingEvent[] = [];
  for await (const each of source.read()) events.push(each);
  return events;
}

describe('EventLines reads an event', () => {
  it.each([
    ['of serializeEvent', line],
    ['after a byte order mark', `\ufeff${line}`],
    ['before CRLF', `${line}\r\n`],
    ['that pino logged', JSON.stringify({ level: 30, time: 1, pid: 1, event })],
    ['that pino logged as a line', JSON.stringify({ level: 30, time: 1, msg: line })],
    ['of the JSON logger of Nest', JSON.stringify({ level: 'log', pid: 1, message: line })],
    ['of the JSON logger as an object', JSON.stringify({ level: 'log', pid: 1, message: event })],
    ['of the logger of Nest', `[Nest] 17  - 05/06/2026, 7:08:09 AM     LOG [Events] ${line}`],
    [
      'of the logger of Nest in colours',
      `\u001b[32m[Nest] 17  - \u001b[39m05/06/2026 \u001b[32m    LOG\u001b[39m \u001b[32m${line}\u001b[39m\u001b[38;5;3m +2ms\u001b[39m`,
    ],
    ['of a JSON array', `[${line}]`],
    ['of a JSON array with line breaks', `\ufeff[\r\n  ${line}\r\n]\r\n`],
    ['beside metadata records and empty lines', `{"metadata_record":{"id":"x"}}\n\n${line}\n\n`],
    [
      'beside other messages of loggers',
      `${JSON.stringify({ level: 30, msg: 'hello' })}\n[Nest] 17  - 05/06/2026 LOG [Main] started\n${line}`,
    ],
  ])('%s', async (_, text) => {
    expect(await eventsIn(text)).toEqual([event]);
    expect(await eventsIn(gzipSync(text))).toEqual([event]);
    expect(problems.count).toBe(0);
  });

  it('of a tracking log of Open edX, with the same id each time', async () => {
    const server = {
      username: 'ada',
      event_type: '/courses/x/problem',
      event_source: 'server',
      name: 'problem_check',
      time: '2020-07-15T06:36:01.917123+00:00',
      ip: '192.0.2.1',
      context: { user_id: 3, org_id: 'edX' },
      event: { grade: 1 },
    };
    const browser = { ...server, event_source: 'browser', event: '{"grade":1}', name: undefined };
    const form = { ...browser, event: 'input_1=choice_0&input_2=choice_2' };
    const text = [server, browser, form].map((each) => JSON.stringify(each)).join('\n');
    const [first, second, third] = await eventsIn(text);
    expect(first).toEqual({
      id: expect.stringMatching(
        /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      ),
      name: 'problem_check',
      timestamp: new Date('2020-07-15T06:36:01.917Z'),
      context: {
        username: 'ada',
        event_source: 'server',
        ip: '192.0.2.1',
        user_id: 3,
        org_id: 'edX',
      },
      data: { grade: 1 },
    });
    expect(second).toMatchObject({ name: '/courses/x/problem', data: { grade: 1 } });
    expect(third).toMatchObject({ data: { value: 'input_1=choice_0&input_2=choice_2' } });
    const [again] = await eventsIn(
      `Jul 15 06:36:01 lms INFO [tracking] - ${JSON.stringify(server)}`,
    );
    expect(again).toEqual(first);
  });

  it.each<[unknown, object]>([
    ['input_1=choice_0', { value: 'input_1=choice_0' }],
    [[1, 2], { value: [1, 2] }],
    [0, { value: 0 }],
    [null, {}],
    [undefined, {}],
  ])('whose data is %j', async (data, read) => {
    expect(await eventsIn(JSON.stringify({ ...event, data }))).toEqual([{ ...event, data: read }]);
  });

  it('of any text, in any chunks', async () => {
    const anyText = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\u2028', '\u2029', '\u0085', '\r\n', '\n', '\ufeff', '🎓'),
    );
    const check = fc.asyncProperty(
      fc.array(anyText, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 7 }),
      async (texts, size) => {
        const written = texts.map((text) => ({ ...event, data: { [text]: text } }));
        const bytes = Buffer.from(written.map((each) => JSON.stringify(each)).join('\n'));
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
          bytes.subarray(index * size, (index + 1) * size),
        );
        const read = await eventsIn(...chunks);
        expect(read.map(({ data }) => data)).toEqual(
          written.map((each) => (JSON.parse(JSON.stringify(each)) as typeof each).data),
        );
      },
    );
    await fc.assert(check, { numRuns: 60 });
    expect(problems.count).toBe(0);
  });
});

describe('EventLines reports', () => {
  it.each([
    ['an empty log', ''],
    ['a log without events', '{"metadata_record":{}}\n'],
    ['a log of other messages', '{"level":30,"msg":"hello"}\n'],
  ])('%s', async (_, text) => {
    expect(await eventsIn(text)).toEqual([]);
    expect(problems.count).toBe(1);
  });

  it.each([
    ['text', 'hello'],
    ['a number', '7'],
    ['an event without a timestamp', '{"id":"1","name":"a"}'],
    ['an event whose context is a list', JSON.stringify({ ...event, context: [] })],
    ['a dead letter without a note', JSON.stringify({ ...event, dead_letter: 'x' })],
    ['half an event', line.slice(0, 40)],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
  ])('%s beside an event', async (_, wrong) => {
    const bytes = Buffer.concat([Buffer.from(`${line}\n`), Buffer.from(wrong), Buffer.from('\n')]);
    expect(await eventsIn(bytes)).toEqual([event]);
    expect(problems.count).toBe(1);
    expect(problems.conclude()).toBe(1);
  });
});
