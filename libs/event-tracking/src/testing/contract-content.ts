import type { TrackingEvent } from '../core/event/event.js';
import { contractEvent } from './contract-events.js';

/** Events that a contract finds again as they were. */
export interface ContractContent {
  /** What is kept: `an event with its id, …`. */
  readonly what: string;
  events(): TrackingEvent[];
}

/** What an event may hold. */
export const CONTENT: readonly ContractContent[] = [
  content('an event with its id, name, timestamp to the millisecond, context and data', () =>
    // Recent, so that no destination takes them for expired.
    [0, 1, 120, 999].map((milliseconds) =>
      contractEvent({
        name: `contract.millisecond_${milliseconds}`,
        timestamp: new Date(Math.floor(Date.now() / 1000 - 60) * 1000 + milliseconds),
        context: { user_id: 7, path: '/courses/DemoX', method: 'POST' },
        data: { course_id: 'DemoX', seats: 3, free: true },
      }),
    ),
  ),
  content('nested data, lists and numbers as they are', () => [
    ofContent({
      course: { run: { weeks: [{ number: 1, titles: ['one', 'two'] }, { number: 2 }] } },
      numbers: [0, -1, 0.1, 1e-7, 2 ** 31, 2 ** 40, Number.MAX_SAFE_INTEGER, 1e21],
      text: ['0', 'true', 'null', '2013-09-12T12:55:00.123Z'],
      matrix: [[1, 2], [[3]], []],
      flags: [true, false],
    }),
  ]),
  content('text in any script, with quotes and line breaks', () => [
    {
      ...ofContent({
        greetings: ['Grüße', 'こんにちは', 'مرحبا', 'שלום', 'e\u0301', '👩‍👩‍👧‍👦', '\u{1F980}'],
        breaks: 'one\ntwo\r\nthree\u2028four\u2029five\tsix',
        quotes: `"double" 'single' \`back\` \\ / <script> {"json":1} \${value} %s`,
        ключ: { 鍵: 'キー' },
      }),
      name: 'contract.событие',
    },
  ]),
  content('empty objects, empty lists, empty text and nulls', () => [
    contractEvent(),
    ofContent({ object: {}, list: [], text: '', nothing: null, inside: [{}, [], '', null] }),
  ]),
  content('keys with dots and dollars, and keys that JavaScript knows', () => [
    ofContent({
      'course.id': 'DemoX',
      '.': 1,
      'a..b': { 'c.d': 1 },
      $set: { $inc: 1, 'a.$': 2 },
      price$: 3,
      'with space': 4,
      0: 'zero',
      constructor: 'data',
      toString: 'data',
      ['__proto__']: { polluted: true },
    }),
  ]),
];

function content(what: string, events: () => TrackingEvent[]): ContractContent {
  return { what, events };
}

/** The same in data and in context. */
function ofContent(content: Record<string, unknown>): TrackingEvent {
  return contractEvent({ data: content, context: { user_id: 7, content } });
}
