import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copyOf, MAX_DEPTH, snapshot } from './snapshot.js';

const anything = fc.anything({
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  withObjectString: true,
  withSparseArray: true,
  withTypedArray: true,
  maxDepth: 4,
});

/** Values that JSON can represent; objects may have own keys such as `__proto__`. */
const jsonable = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
    ),
    fc.array(tie('value'), { maxLength: 5 }),
    fc
      .array(
        fc.tuple(
          fc.oneof(
            fc.constantFrom('__proto__', 'constructor', 'prototype', 'length', '0'),
            fc.string(),
          ),
          tie('value'),
        ),
        { maxLength: 5 },
      )
      .map((entries) => Object.fromEntries(entries)),
  ),
})).value;

const take = (value: unknown): unknown => snapshot(value).value;

/** Throws for every value that JSON cannot represent, except dates. */
function expectPlain(value: unknown): void {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return;
    case 'number':
      expect(value).toSatisfy(Number.isFinite);
      return;
    case 'object': {
      if (value === null) return;
      if (value instanceof Date) return expect(value.getTime()).not.toBeNaN();
      if (!Array.isArray(value)) expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
      for (const key of Reflect.ownKeys(value)) {
        if (Array.isArray(value) && key === 'length') continue;
        expect(key).toBeTypeOf('string');
        const member = Object.getOwnPropertyDescriptor(value, key)!;
        expect(member).toMatchObject({ enumerable: true, writable: true, configurable: true });
        expectPlain(member.value);
      }
      return;
    }
    default:
      expect.unreachable(`JSON cannot say a ${typeof value}`);
  }
}

function containersOf(value: unknown, found = new Set<object>()): Set<object> {
  if (typeof value === 'object' && value !== null && !found.has(value)) {
    found.add(value);
    for (const key of Reflect.ownKeys(value)) {
      containersOf(Object.getOwnPropertyDescriptor(value, key)!.value, found);
    }
  }
  return found;
}

function nested(levels: number): object {
  let inner: Record<string, unknown> = {};
  for (let level = 0; level < levels; level++) inner = { inner };
  return inner;
}

function depthOf(value: unknown): number {
  let depth = 0;
  for (
    let at = value;
    typeof at === 'object' && at !== null;
    at = (at as { inner?: unknown }).inner
  )
    depth++;
  return depth - 1;
}

describe('snapshot', () => {
  describe('of values that JSON can represent', () => {
    it('equals its source', () => {
      fc.assert(
        fc.property(jsonable, (value) => {
          const copy = snapshot(value);
          expect(JSON.stringify(copy.value)).toBe(JSON.stringify(value));
          expect(copy.conversions).toEqual([]);
        }),
        { numRuns: 500 },
      );
    });

    it('shares no reference with its source', () => {
      fc.assert(
        fc.property(jsonable, (value) => {
          const originals = containersOf(value);
          for (const container of containersOf(take(value)))
            expect(originals.has(container)).toBe(false);
        }),
      );
    });

    it('keeps its state when the source changes later', () => {
      const source = { list: [{ a: 1 }], when: new Date(0), deep: { er: { x: 1 } } };
      const copy = take(source);
      source.list[0]!.a = 2;
      source.list.push({ a: 3 });
      source.when.setTime(99);
      source.deep.er.x = 2;
      expect(copy).toEqual({ list: [{ a: 1 }], when: new Date(0), deep: { er: { x: 1 } } });
    });

    it('copies an object twice if it is referenced twice', () => {
      const shared = { x: 1 };
      const copy = take({ a: shared, b: shared }) as { a: object; b: object };
      expect(copy).toEqual({ a: { x: 1 }, b: { x: 1 } });
      expect(copy.a).not.toBe(copy.b);
    });

    it('omits undefined values of objects and turns undefined members of lists into null', () => {
      expect(take({ a: undefined, b: [undefined, 1] })).toStrictEqual({ b: [null, 1] });
      expect(snapshot({ a: undefined }).conversions).toEqual([]);
    });

    it('ignores inherited, non-enumerable and symbol keys', () => {
      const source = Object.create(
        { inherited: 1 },
        { own: { value: 1, enumerable: true }, hidden: { value: 1 } },
      ) as object;
      expect(take(Object.assign(source, { [Symbol('key')]: 1 }))).toStrictEqual({ own: 1 });
    });

    it.each(['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString'])(
      'treats the key %s as data',
      (key) => {
        const copy = take(JSON.parse(`{ "${key}": { "polluted": true } }`)) as object;
        expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
        expect(Object.getOwnPropertyDescriptor(copy, key)?.value).toEqual({ polluted: true });
        expect('polluted' in {}).toBe(false);
      },
    );

    it('estimates the length of its JSON', () => {
      fc.assert(
        fc.property(
          jsonable.filter((value) => !JSON.stringify(value).includes('\\')),
          (value) => {
            const { length } = JSON.stringify(value);
            expect(snapshot(value).size).toBeGreaterThanOrEqual(length / 4 - 8);
            expect(snapshot(value).size).toBeLessThanOrEqual(8 * length + 8);
          },
        ),
      );
    });
  });

  describe('of any value', () => {
    it('never throws, and contains only dates and values that JSON can represent', () => {
      fc.assert(
        fc.property(anything, (value) => {
          const copy = take({ value });
          expectPlain(copy);
          expect(() => JSON.stringify(copy)).not.toThrow();
        }),
        { numRuns: 1_000 },
      );
    });

    it('equals a snapshot of itself', () => {
      fc.assert(
        fc.property(anything, (value) => {
          const once = snapshot({ value });
          const twice = snapshot(once.value);
          expect(twice.value).toStrictEqual(once.value);
          expect(twice.conversions).toEqual([]);
        }),
      );
    });

    it('lists the path and the replacement of each converted value', () => {
      const { conversions } = snapshot({ user: { balance: 10n, tags: [1, Number.NaN] } });
      expect(conversions).toEqual(['user.balance: 10', 'user.tags.1: NaN']);
    });

    it('lists only the first few conversions', () => {
      expect(snapshot(Array.from({ length: 1_000 }, () => 1n)).conversions.length).toBeLessThan(10);
    });
  });

  describe('of values that JSON cannot represent', () => {
    function f(): void {}
    const anonymous = (() => () => {})();

    const rewritten: [string, unknown, unknown][] = [
      ['a BigInt', 10n, '10'],
      ['a boxed BigInt', Object(10n), '10'],
      ['NaN', Number.NaN, 'NaN'],
      ['Infinity', Number.POSITIVE_INFINITY, 'Infinity'],
      ['negative Infinity', Number.NEGATIVE_INFINITY, '-Infinity'],
      ['a symbol', Symbol('x'), 'Symbol(x)'],
      ['a boxed symbol', Object(Symbol('x')), 'Symbol(x)'],
      ['a function', f, '[Function f]'],
      ['a function without a name', anonymous, '[Function]'],
      ['a class', class Course {}, '[Function Course]'],
      [
        'a Map',
        new Map<unknown, unknown>([
          ['a', 1],
          [{ k: 1 }, [2]],
        ]),
        [
          ['a', 1],
          [{ k: 1 }, [2]],
        ],
      ],
      ['a Set', new Set([1, { a: 1 }]), [1, { a: 1 }]],
      ['an invalid Date', new Date(Number.NaN), 'Invalid Date'],
      ['a regular expression', /a+/gi, '/a+/gi'],
      ['a promise', Promise.resolve(1), '[Promise]'],
      ['a WeakMap', new WeakMap(), '[WeakMap]'],
      ['an ArrayBuffer', new ArrayBuffer(2), '[ArrayBuffer]'],
    ];

    it.each(rewritten.map(([what], index) => [what, index] as const))(
      'makes %s readable and lists the conversion',
      (_, index) => {
        const [, value, readable] = rewritten[index]!;
        const copy = snapshot({ value });
        expect(copy.value).toStrictEqual({ value: readable });
        expect(copy.conversions).toHaveLength(1);
        expect(copy.conversions[0]).toMatch(/^value: /);
      },
    );

    it('turns a container inside itself into [Circular]', () => {
      const a: Record<string, unknown> = { name: 'a' };
      a['self'] = a;
      a['list'] = [a, { a }];
      const copy = snapshot(a);
      expect(copy.value).toEqual({
        name: 'a',
        self: '[Circular]',
        list: ['[Circular]', { a: '[Circular]' }],
      });
      expect(copy.conversions).toEqual([
        'self: [Circular]',
        'list.0: [Circular]',
        'list.1.a: [Circular]',
      ]);
    });

    it('turns a Map or Set inside itself into [Circular]', () => {
      const map = new Map<string, unknown>();
      map.set('self', map);
      const set = new Set<unknown>();
      set.add(set);
      expect(take({ map, set })).toEqual({ map: [['self', '[Circular]']], set: ['[Circular]'] });
    });
  });

  describe('of class instances and built-in objects', () => {
    it('copies dates as dates', () => {
      const date = new Date(5);
      const copy = take({ date }) as { date: Date };
      expect(copy.date).toEqual(date);
      expect(copy.date).not.toBe(date);
    });

    it('copies the fields of a class instance', () => {
      class Money {
        #secret = 1;
        constructor(readonly amount: number) {}
        get doubled(): number {
          return this.amount * this.#secret * 2;
        }
      }
      expect(take({ price: new Money(3) })).toStrictEqual({ price: { amount: 3 } });
    });

    it('copies objects without a prototype', () => {
      const bare = Object.assign(Object.create(null) as object, { a: { b: 1 } });
      expect(take(bare)).toStrictEqual({ a: { b: 1 } });
    });

    it('unboxes boxed primitives', () => {
      expect(take([Object('a'), Object(1), Object(false), Object(Number.NaN)])).toEqual([
        'a',
        1,
        false,
        'NaN',
      ]);
    });

    it('copies typed arrays as lists and a Buffer by its toJSON', () => {
      expect(take(new Uint8Array([1, 2]))).toEqual([1, 2]);
      expect(take(new Float64Array([0.5, Number.NaN]))).toEqual([0.5, 'NaN']);
      expect(take(new BigInt64Array([3n]))).toEqual(['3']);
      expect(take({ body: Buffer.from('hi') })).toEqual({
        body: { type: 'Buffer', data: [104, 105] },
      });
    });

    it('copies an error with its name, message, code, cause and own fields', () => {
      const cause = new RangeError('deep');
      const error = Object.assign(new TypeError('shallow', { cause }), {
        code: 'E_SHALLOW',
        status: 400,
      });
      expect(take({ error })).toEqual({
        error: {
          name: 'TypeError',
          message: 'shallow',
          code: 'E_SHALLOW',
          status: 400,
          cause: { name: 'RangeError', message: 'deep' },
        },
      });
    });

    it('copies an error that is its own cause', () => {
      const error = new Error('loop');
      error.cause = error;
      expect(take({ error })).toEqual({
        error: { name: 'Error', message: 'loop', cause: '[Circular]' },
      });
    });
  });

  describe('of objects with toJSON', () => {
    it('copies the result of toJSON, which receives the key', () => {
      const keys: unknown[] = [];
      const id = { toJSON: (key: unknown) => (keys.push(key), { $oid: 'abc', at: new Date(0) }) };
      const copy = take({ id, list: [id] });
      expect(copy).toEqual({
        id: { $oid: 'abc', at: new Date(0) },
        list: [{ $oid: 'abc', at: new Date(0) }],
      });
      expect(keys).toEqual(['id', '0']);
    });

    it('omits a key if toJSON returns undefined', () => {
      expect(take({ a: { toJSON() {} }, b: 1 })).toStrictEqual({ b: 1 });
    });

    it.each<[string, () => unknown, unknown]>([
      [
        'throws',
        () => {
          throw new Error('no');
        },
        '[Throws: no]',
      ],
      ['returns a promise', () => Promise.resolve(1), '[Promise]'],
      ['returns a function', () => f, '[Function f]'],
      ['returns a revoked proxy', revokedProxy, expect.stringMatching(/^\[Throws: /)],
      ['returns a Map', () => new Map([[1, 2]]), [[1, 2]]],
    ])('copies an object whose toJSON %s', (_, toJSON, readable) => {
      expect(take({ value: { toJSON } })).toEqual({ value: readable });
    });

    it('copies an object whose toJSON returns the object itself', () => {
      const value = {
        x: 1,
        toJSON(): unknown {
          return this;
        },
      };
      expect(take({ value })).toEqual({ value: { x: 1, toJSON: '[Function toJSON]' } });
    });

    it('copies an object whose toJSON returns a new object with toJSON each time', () => {
      const endless = (): object => ({ toJSON: () => ({ next: endless() }) });
      expectPlain(take(endless()));
    });

    function f(): void {}
  });

  describe('of hostile objects', () => {
    it('replaces a throwing getter by its error message', () => {
      const source = {
        get bad(): never {
          throw new Error('boom');
        },
        good: 1,
      };
      const copy = snapshot(source);
      expect(copy.value).toEqual({ bad: '[Throws: boom]', good: 1 });
      expect(copy.conversions).toEqual(['bad: [Throws: boom]']);
    });

    const hostileMessage = Object.assign(new Error(), {
      message: {
        toString() {
          throw hostileMessage;
        },
      } as unknown as string,
    });

    const thrown: Record<string, unknown> = {
      'a string': 'text',
      undefined: undefined,
      'a symbol': Symbol('thrown'),
      'a revoked proxy': revokedProxy(),
      'an object without a prototype': Object.create(null),
      'an error whose message is a symbol': Object.assign(new Error(), { message: Symbol('m') }),
      'an error whose message throws the error itself': hostileMessage,
      'an error whose message is a getter that throws': Object.defineProperty(
        new Error(),
        'message',
        {
          get() {
            throw new Error('again');
          },
        },
      ),
    };

    it.each(Object.keys(thrown))('copies an object with a getter that throws %s', (what) => {
      const source = {
        get bad(): never {
          throw thrown[what];
        },
        good: 1,
      };
      expect(take(source)).toEqual({ bad: expect.stringMatching(/^\[Throws: /), good: 1 });
    });

    it('reads each getter once', () => {
      let reads = 0;
      const count = { enumerable: true, get: () => ++reads };
      const record = Object.defineProperties({}, { a: count });
      const list = Object.defineProperties([0], { 0: count });
      const error = Object.defineProperties(new Error('x'), {
        code: count,
        cause: count,
        extra: count,
      });
      take({ record, list, error });
      expect(reads).toBe(5);
    });

    it('replaces a revoked proxy, at the root and nested', () => {
      expect(take(revokedProxy())).toEqual(expect.stringMatching(/^\[Throws: /));
      expect(take({ list: [revokedProxy(), 1] })).toEqual({
        list: [expect.stringMatching(/^\[Throws: /), 1],
      });
      const { proxy, revoke } = Proxy.revocable(() => {}, {});
      revoke();
      expectPlain(take({ f: proxy }));
    });

    const traps = ['get', 'has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor'] as const;

    it.each(traps)('does not throw for a proxy whose trap %s throws', (trap) => {
      for (const target of [
        { a: 1 },
        [1],
        new Map([[1, 2]]),
        new Date(0),
        new Error('x'),
        () => {},
      ]) {
        const proxy = new Proxy<object>(target, {
          [trap]() {
            throw new Error('trapped');
          },
        });
        const copy = take({ proxy, good: 1 });
        expectPlain(copy);
        expect(copy).toMatchObject({ good: 1 });
      }
    });

    it('does not throw for a proxy whose traps all throw values that cannot be described', () => {
      const throwing = new Proxy(
        {},
        {
          get: () => () => {
            throw revokedProxy();
          },
        },
      );
      expectPlain(take({ proxy: new Proxy({}, throwing) }));
    });

    it('does not throw for a list with an invalid length', () => {
      for (const length of [
        Number.POSITIVE_INFINITY,
        Number.NaN,
        -1,
        '3',
        3n,
        Symbol('length'),
        { valueOf: () => 2 },
      ]) {
        const get = (target: object, key: string | symbol): unknown =>
          key === 'length' ? length : Reflect.get(target, key);
        expect(snapshot({ list: new Proxy([1, 2, 3], { get }) }).value).toHaveProperty('list');
      }
    });

    it('does not hang on an endless Map', () => {
      class Endless extends Map<number, number> {
        override *entries(): MapIterator<[number, number]> {
          for (let key = 0; ; key++) yield [key, key];
        }
      }
      expectPlain(
        (take({ endless: new Endless() }) as { endless: unknown[] }).endless.slice(0, 10),
      );
    });

    it('does not throw if iterators and conversions throw', () => {
      const fail = (): never => {
        throw new Error('no');
      };
      const map = Object.assign(new Map([[1, 2]]), { entries: fail });
      const boxed = Object.assign(Object('a') as object, { valueOf: fail });
      const fake = Object.create(Date.prototype) as object;
      expectPlain(take({ map, boxed, fake }));
    });
  });

  describe('of huge values', () => {
    it('replaces values deeper than the limit by [Truncated]', () => {
      expect(depthOf(take(nested(MAX_DEPTH)))).toBe(MAX_DEPTH);
      const copy = snapshot(nested(MAX_DEPTH + 1));
      expect(JSON.stringify(copy.value)).toContain('"[Truncated]"');
      expect(copy.conversions).toEqual([
        expect.stringMatching(/^inner\.inner\..*…: \[Truncated\]$/),
      ]);
    });

    it('copies 50,000 levels without an overflow', () => {
      expect(depthOf(take(nested(50_000)))).toBe(MAX_DEPTH);
      let list: unknown[] = [];
      for (let level = 0; level < 50_000; level++) list = [list];
      expectPlain(take(list));
    });

    it('does not hang on 2^60 paths through shared references', () => {
      let diamond: object = { end: true };
      for (let level = 0; level < 60; level++) diamond = { left: diamond, right: diamond };
      const { value, conversions } = snapshot(diamond);
      expect(conversions[0]).toMatch(/\[Truncated\]$/);
      expect(JSON.stringify(value).length).toBeLessThan(100_000_000);
    });

    it('does not hang on a sparse list of four billion', () => {
      const sparse: number[] = [];
      sparse[4_000_000_000] = 1;
      expect(snapshot({ sparse }).conversions).toEqual([
        expect.stringMatching(/^sparse\.\d+: \[Truncated\]$/),
      ]);
    });

    it('counts empty members in the size', () => {
      expect(snapshot(Array.from({ length: 1_000 }, () => null)).size).toBeGreaterThan(1_000);
      expect(snapshot(Array.from({ length: 1_000 }, () => ({}))).size).toBeGreaterThan(1_000);
      expect(snapshot(Array.from({ length: 1_000 }, () => [])).size).toBeGreaterThan(1_000);
      expect(snapshot(Array.from({ length: 1_000 }, () => undefined)).size).toBeGreaterThan(1_000);
      expect(snapshot(Array(1_000)).size).toBeGreaterThan(1_000);
    });
  });
});

describe('copyOf', () => {
  it('copies a snapshot at the limits as a whole, also inside an event', () => {
    const event = { data: { value: take(nested(MAX_DEPTH + 5)) } };
    expect(copyOf(event)).toStrictEqual(event);
    expect(copyOf(copyOf(event))).toStrictEqual(event);
  });

  it('shares no reference', () => {
    fc.assert(
      fc.property(jsonable, (value) => {
        const originals = containersOf(value);
        for (const container of containersOf(copyOf(value)))
          expect(originals.has(container)).toBe(false);
      }),
    );
  });
});

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
