import type { TrackingEvent } from '../core/event/event.js';
import { contractEvent } from './contract-samples.js';

/** Sample events that must arrive unchanged. */
export interface ContractContent {
  /** The content that must be preserved: `nested data, lists and numbers unchanged`. */
  readonly content: string;
  events(): TrackingEvent[];
}

/** Samples of everything that an event may contain. */
export const CONTENT: readonly ContractContent[] = [
  sample('the id, name, millisecond timestamp, context and data of an event', () =>
    // Recent timestamps, because a destination may drop expired events.
    [0, 1, 120, 999].map((milliseconds) =>
      contractEvent({
        name: `contract.millisecond_${milliseconds}`,
        timestamp: new Date(Math.floor(Date.now() / 1000 - 60) * 1000 + milliseconds),
        context: { user_id: 7, path: '/courses/DemoX', method: 'POST' },
        data: { course_id: 'DemoX', seats: 3, free: true },
      }),
    ),
  ),
  sample('nested data, lists and numbers unchanged', () => [
    eventWith({
      course: { run: { weeks: [{ number: 1, titles: ['one', 'two'] }, { number: 2 }] } },
      numbers: [0, -1, 0.1, 1e-7, 2 ** 31, 2 ** 40, Number.MAX_SAFE_INTEGER, 1e21],
      text: ['0', 'true', 'null', '2013-09-12T12:55:00.123Z'],
      matrix: [[1, 2], [[3]], []],
      flags: [true, false],
    }),
  ]),
  sample('text in any script, including quotes and line breaks', () => [
    {
      ...eventWith({
        greetings: ['Grüße', 'こんにちは', 'مرحبا', 'שלום', 'e\u0301', '👩‍👩‍👧‍👦', '\u{1F980}'],
        breaks: 'one\ntwo\r\nthree\u2028four\u2029five\tsix',
        quotes: `"double" 'single' \`back\` \\ / <script> {"json":1} \${value} %s`,
        ключ: { 鍵: 'キー' },
      }),
      name: 'contract.событие',
    },
  ]),
  sample('empty objects, empty lists, empty strings and nulls', () => [
    contractEvent(),
    eventWith({ object: {}, list: [], text: '', nothing: null, inside: [{}, [], '', null] }),
  ]),
  sample('keys with dots and dollar signs, and keys such as __proto__', () => [
    eventWith({
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

function sample(content: string, events: () => TrackingEvent[]): ContractContent {
  return { content, events };
}

/** Creates an event with the same values in its data and in its context. */
function eventWith(values: Record<string, unknown>): TrackingEvent {
  return contractEvent({ data: values, context: { user_id: 7, content: values } });
}
