import { createContext, runInContext } from 'node:vm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { contentId } from '../event-types/content-id.js';
import { Tracker } from '../tracker/tracker.js';
import { packEvent, unpackEvent } from '../tree/packed-event.js';
import type { TrackingEvent } from './event.js';
import { toJson } from './json.js';
import { parseEvent, serializeEvent } from './serialize-event.js';

const AT = new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678));

const DATA = {
  at: AT,
  list: [1, 'two', { three: new Date(3) }],
  map: new Map([['key', [1]]]),
  set: new Set([1]),
  error: new TypeError('odd'),
  pattern: /a+/g,
  nested: { none: null, deep: [[new Date(4)]] },
};

type Patch = () => () => void;

/** Sets a property, and returns a function that restores it. */
function setting(target: object, key: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(target, key);
  Object.defineProperty(target, key, { value, configurable: true, writable: true });
  return () => {
    if (before === undefined) Reflect.deleteProperty(target, key);
    else Object.defineProperty(target, key, before);
  };
}

class SubDate extends Date {}
class SubPromise<T> extends Promise<T> {}
const mocked = (): never => ({ mocked: true }) as never;

const PATCHES: Record<string, Patch> = {
  'Date.prototype.toJSON': () => setting(Date.prototype, 'toJSON', () => 'yesterday'),
  'Date.prototype.toISOString': () => setting(Date.prototype, 'toISOString', () => 'yesterday'),
  'JSON.stringify': () => setting(JSON, 'stringify', () => '{}'),
  'Array.prototype.toJSON': () => setting(Array.prototype, 'toJSON', () => '[list]'),
  'Object.prototype.toJSON': () => setting(Object.prototype, 'toJSON', () => '{object}'),
  'the global Date, by a subclass': () => setting(globalThis, 'Date', SubDate),
  'the global Date, by a mock': () => setting(globalThis, 'Date', mocked),
  'Date.now, by nonsense': () => setting(Date, 'now', () => Number.NaN),
  'the global Promise': () => setting(globalThis, 'Promise', SubPromise),
  'the global Map': () => setting(globalThis, 'Map', class {}),
  'the global Set': () => setting(globalThis, 'Set', class {}),
  'the global Error': () => setting(globalThis, 'Error', class {}),
};

interface Written {
  readonly event: TrackingEvent;
  readonly line: string;
  readonly packed: string;
  readonly id: string;
}

const events: TrackingEvent[] = [];
const tracker = new Tracker({
  logger: { warn() {}, error() {} },
  backends: { memory: { send: (event: TrackingEvent) => void events.push(event) } },
});

function write(data: object): Written {
  events.length = 0;
  tracker.context('user', { since: AT }, () => tracker.emit('order.paid', data));
  const [event] = events;
  if (event === undefined) throw new TypeError('No event was emitted.');
  return {
    event,
    line: serializeEvent(event),
    packed: toJson(packEvent(event)),
    id: contentId({ list: [1, { at: AT }] }),
  };
}

/** Without what differs from one event to the next. */
function contentOf({ event, line, packed, id }: Written): object {
  const { data, context } = event;
  const written = parseEvent(line);
  const unpacked = unpackEvent(JSON.parse(packed));
  return {
    data,
    context,
    id,
    written: { data: written.data, context: written.context },
    unpacked: { data: unpacked.data, context: unpacked.context },
  };
}

function writeWhile(patch: Patch, data: object): Written {
  const restore = patch();
  try {
    return write(data);
  } finally {
    restore();
  }
}

describe('An event that is emitted while a built-in object is patched', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  const expected = contentOf(write(DATA));

  it.each(Object.entries(PATCHES))('is written as ever with %s', (_, patch) => {
    const written = writeWhile(patch, DATA);
    expect(contentOf(written)).toEqual(expected);
    expect(written.event.timestamp).toBeInstanceOf(Date);
    expect(parseEvent(written.line).timestamp).toEqual(written.event.timestamp);
    expect(unpackEvent(JSON.parse(written.packed)).timestamp).toEqual(written.event.timestamp);
  });

  it('is written as ever with all prototypes patched at once', () => {
    const restores = Object.entries(PATCHES)
      .filter(([name]) => name.includes('to'))
      .map(([, patch]) => patch());
    let written: Written;
    try {
      written = write(DATA);
    } finally {
      for (const restore of restores.toReversed()) restore();
    }
    expect(contentOf(written)).toEqual(expected);
  });

  it('has the time of a fake clock, and dates of both clocks stay dates', () => {
    const real = new Date(1);
    vi.useFakeTimers({ now: 1_000 });
    const { event } = write({ real, fake: new Date(2) });
    vi.useRealTimers();
    expect(event.timestamp.getTime()).toBe(1_000);
    expect(event.data).toEqual({ real: new Date(1), fake: new Date(2) });
    expect(event.data['real']).toBeInstanceOf(Date);
    expect(event.data['fake']).toBeInstanceOf(Date);
  });

  it('honours a toJSON of its own classes, also while all objects have one', () => {
    class Money {
      toJSON(): string {
        return '10 EUR';
      }
    }
    const patch = PATCHES['Object.prototype.toJSON']!;
    expect(writeWhile(patch, { price: new Money() }).event.data).toEqual({ price: '10 EUR' });
  });
});

describe('An event with values of another realm', () => {
  const realm = createContext({});
  const foreign = (source: string): unknown => runInContext(`(${source})`, realm);

  it('is written like one with values of this realm', () => {
    const data = foreign(`{
      at: new Date(${AT.getTime()}),
      list: [1, 'two', { three: new Date(3) }],
      map: new Map([['key', [1]]]),
      set: new Set([1]),
      error: new TypeError('odd'),
      pattern: /a+/g,
      nested: { none: null, deep: [[new Date(4)]] },
    }`);
    const written = write(data as object);
    expect(contentOf(written)).toEqual(contentOf(write(DATA)));
    expect(written.event.data['at']).toBeInstanceOf(Date);
  });

  it.each([
    ['new String("x")', 'x'],
    ['new Number(1)', 1],
    ['new Boolean(false)', false],
    ['Object(10n)', '10'],
    ['Promise.resolve()', '[Promise]'],
    ['new WeakMap()', '[WeakMap]'],
    ['new ArrayBuffer(1)', '[ArrayBuffer]'],
    ['new Uint8Array([1, 2])', [1, 2]],
    ['new Date(NaN)', 'Invalid Date'],
  ])('represents %s', (source, value) => {
    expect(write({ value: foreign(source) }).event.data).toEqual({ value });
  });
});

describe('An event with unusual objects', () => {
  const frozen = Object.freeze({ list: Object.freeze([1]), at: Object.freeze(new Date(1)) });

  it.each<[string, object, object]>([
    ['frozen objects', frozen, { list: [1], at: new Date(1) }],
    ['sealed objects', Object.seal({ a: Object.seal([1]) }), { a: [1] }],
    ['a Proxy of an object', new Proxy({ a: 1 }, {}), { a: 1 }],
    ['a Proxy of a list', { list: new Proxy([1, 2], {}) }, { list: [1, 2] }],
    [
      'an object that only claims to be a Map',
      { value: { [Symbol.toStringTag]: 'Map', a: 1 } },
      { value: { a: 1 } },
    ],
    [
      'an object that only claims to be a String',
      { value: { [Symbol.toStringTag]: 'String', a: 1 } },
      { value: { a: 1 } },
    ],
    [
      'an object that only inherits from Date',
      { value: Object.assign(Object.create({ inherited: 1 }), { a: 1 }) as object },
      { value: { a: 1 } },
    ],
  ])('represents %s', (_, data, expected) => {
    expect(write(data).event.data).toEqual(expected);
  });

  it.each<[string, () => unknown]>([
    ['a Proxy of a Map', () => new Proxy(new Map([['a', 1]]), {})],
    ['a Proxy of a Date', () => new Proxy(new Date(), {})],
    ['an object that inherits from Date', () => Object.create(Date.prototype)],
    ['an object that inherits from Map', () => Object.create(Map.prototype)],
    [
      'an object whose tag throws',
      () => ({
        get [Symbol.toStringTag]() {
          throw new Error('no tag');
        },
      }),
    ],
    [
      'a revoked Proxy',
      () => {
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        return proxy;
      },
    ],
    [
      'a Proxy whose traps throw',
      () =>
        new Proxy(
          {},
          {
            get() {
              throw new Error('no');
            },
            getPrototypeOf() {
              throw new Error('no');
            },
            ownKeys() {
              throw new Error('no');
            },
          },
        ),
    ],
  ])('is delivered with %s', (_, value) => {
    const { event, line } = write({ value: value(), after: 1 });
    expect(event.data['after']).toBe(1);
    expect(parseEvent(line).data['after']).toBe(1);
  });
});
