import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { StorageContextLocator, type ContextLocator } from './context-locator.js';
import { ContextStack, type ContextScope } from './context-stack.js';
import { DefaultContextLocator } from './default-context-locator.js';
import { InvalidContextError, UnknownContextError } from '../diagnostics/errors.js';
import type { EventContext, TrackingEvent } from '../event/event.js';
import { Tracker } from '../tracker/tracker.js';

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const noFault = (fault: unknown): never => {
  throw fault;
};

interface Recorded {
  tracker: Tracker;
  locator: ContextLocator;
  events: TrackingEvent[];
  /** Returns the context of an event that is emitted now. */
  seen: () => EventContext;
}

function recorded(options: { name?: string; contextLocator?: ContextLocator } = {}): Recorded {
  const events: TrackingEvent[] = [];
  const contextLocator = options.contextLocator ?? new DefaultContextLocator();
  const tracker = new Tracker({
    ...options,
    contextLocator,
    logger: { warn() {}, error() {} },
    backends: { recorder: { send: (event) => void events.push(event) } },
  });
  const seen = (): EventContext => {
    tracker.emit('probe');
    return events.at(-1)!.context;
  };
  return { tracker, locator: contextLocator, events, seen };
}

describe('Contexts:', () => {
  describe('merging', () => {
    it('is shallow: for each top-level key the latest context wins', () => {
      const { tracker, seen } = recorded();
      tracker.enterContext('a', { who: { id: 1, name: 'x' }, a: 1 });
      tracker.enterContext('b', { who: { id: 2 }, b: 1 });
      expect(seen()).toEqual({ who: { id: 2 }, a: 1, b: 1 });
    });

    it('treats a name that is entered again as the latest of its scope', () => {
      const { tracker, seen } = recorded();
      tracker.enterContext('a', { k: 'a1', old: true });
      tracker.enterContext('b', { k: 'b1' });
      tracker.enterContext('a', { k: 'a2' });
      expect(seen()).toEqual({ k: 'a2' });
      expect(tracker.locatedContext.names).toEqual(['b', 'a']);
    });

    it('puts outer scopes first: process, request, handler, block', () => {
      const { tracker, locator, seen } = recorded();
      locator.run('request', () => {
        locator.run('handler', () => {
          tracker.context('block', { by: 'block', block: 1 }, () => {
            tracker.locatedContext.outer!.enter('handler', { by: 'handler', handler: 1 });
            tracker.locatedContext.outer!.outer!.enter('request', { by: 'request', request: 1 });
            tracker.locatedContext.outer!.outer!.outer!.enter('process', {
              by: 'process',
              process: 1,
            });
            expect(seen()).toEqual({ by: 'block', process: 1, request: 1, handler: 1, block: 1 });
          });
          expect(seen()).toMatchObject({ by: 'handler' });
        });
        expect(seen()).toMatchObject({ by: 'request' });
      });
      expect(seen()).toEqual({ by: 'process', process: 1 });
    });

    it('replaces a context of the same name in an outer scope as a whole', () => {
      const { tracker, seen } = recorded();
      tracker.enterContext('user', { id: 1, name: 'x' });
      tracker.context('user', { id: 2 }, () => expect(seen()).toEqual({ id: 2 }));
      expect(seen()).toEqual({ id: 1, name: 'x' });
    });

    it.each(['__proto__', 'constructor', 'toString'])(
      'treats the key %s and the name %s as data',
      (key) => {
        const { tracker, seen } = recorded();
        tracker.enterContext(
          key,
          JSON.parse(`{ "${key}": { "polluted": true }, "plain": 1 }`) as object,
        );
        const context = seen();
        expect(Object.getPrototypeOf(context)).toBe(Object.prototype);
        expect(Object.getOwnPropertyDescriptor(context, key)?.value).toEqual({ polluted: true });
        tracker.exitContext(key);
        expect(seen()).toEqual({});
      },
    );
  });

  describe('snapshots', () => {
    it('are copied when a context is entered', () => {
      const { tracker, seen } = recorded();
      const context = { user: { id: 1 }, list: [1] };
      tracker.enterContext('a', context);
      context.user.id = 2;
      context.list.push(2);
      expect(seen()).toEqual({ user: { id: 1 }, list: [1] });
    });

    it('are copied for each event', () => {
      const { tracker, seen } = recorded();
      tracker.enterContext('flat', { id: 1 });
      tracker.enterContext('nested', { user: { id: 1 }, at: new Date(1) });
      for (const context of [seen(), tracker.resolveContext()]) {
        Object.assign(context, { id: 'spoiled' });
        Object.assign(context['user'] as object, { id: 'spoiled' });
        (context['at'] as Date).setTime(5);
      }
      expect(seen()).toEqual({ id: 1, user: { id: 1 }, at: new Date(1) });
    });

    it('are copied for each event even next to a live context', () => {
      const { tracker, seen } = recorded();
      tracker.enterContext('nested', { user: { id: 1 } });
      tracker.locatedContext.enterLive(
        'live',
        () => ({ live: true }),
        () => {},
      );
      Object.assign(seen()['user'] as object, { id: 'spoiled' });
      expect(seen()).toEqual({ user: { id: 1 }, live: true });
    });
  });

  describe('entering', () => {
    it.each([undefined, null, 5, 'user', [1], new Date(), new Map(), () => {}])(
      'rejects %s as a context',
      (context) => {
        const { tracker, seen } = recorded();
        expect(() => tracker.enterContext('user', context as unknown as object)).toThrow(
          InvalidContextError,
        );
        expect(() => tracker.enterContext('user', context as unknown as object)).toThrow(
          /'user' must be an object of keys and values; received/,
        );
        const fn = vi.fn();
        expect(() => tracker.context(context as unknown as object, fn)).toThrow(
          InvalidContextError,
        );
        expect(fn).not.toHaveBeenCalled();
        expect(seen()).toEqual({});
      },
    );

    it('rejects a revoked proxy and accepts other objects with keys', () => {
      const { tracker, seen } = recorded();
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      expect(() => tracker.enterContext('user', proxy)).toThrow(InvalidContextError);
      tracker.enterContext(
        'class',
        new (class {
          id = 1;
        })(),
      );
      tracker.enterContext('bare', Object.assign(Object.create(null) as object, { bare: true }));
      tracker.enterContext('hostile', {
        get bad(): never {
          throw new Error('no');
        },
      });
      expect(seen()).toEqual({ id: 1, bare: true, bad: '[Throws: no]' });
    });

    it.each([5, null, Symbol('x'), {}])('rejects a name that is not a string', (name) => {
      expect(() => recorded().tracker.enterContext(name as unknown as string, {})).toThrow(
        /name of a context must be a string; received/,
      );
    });

    it('adds to the innermost scope, and parallel branches see it immediately', async () => {
      const { tracker, seen } = recorded();
      await tracker.context('block', {}, async () => {
        const reader = (async () => {
          await tick();
          await tick();
          return seen();
        })();
        await Promise.all([
          (async () => {
            await tick();
            tracker.enterContext('session', { user_id: 7 });
          })(),
          reader,
        ]);
        expect(await reader).toEqual({ user_id: 7 });
        expect(seen()).toEqual({ user_id: 7 });
      });
      expect(seen()).toEqual({});
    });
  });

  describe('exiting', () => {
    it('removes by name, in any order', () => {
      const { tracker, seen } = recorded();
      tracker.enterContext('a', { a: 1 });
      tracker.enterContext('b', { b: 1 });
      tracker.exitContext('a');
      expect(seen()).toEqual({ b: 1 });
      tracker.exitContext('b');
      expect(seen()).toEqual({});
    });

    it('removes from the innermost scope that has the name', () => {
      const { tracker, seen } = recorded();
      tracker.context('a', { in: 'outer' }, () => {
        tracker.context('a', { in: 'inner' }, () => {
          tracker.exitContext('a');
          expect(seen()).toEqual({ in: 'outer' });
          tracker.exitContext('a');
          expect(seen()).toEqual({});
        });
      });
    });

    it('throws for an unknown name and lists the entered ones', () => {
      const { tracker } = recorded();
      tracker.enterContext('session', {});
      expect(() => tracker.exitContext('request')).toThrow(UnknownContextError);
      expect(() => tracker.exitContext('request')).toThrow(/'request'.*'session'/);
      tracker.exitContext('session');
      expect(() => tracker.exitContext('session')).toThrow(UnknownContextError);
      expect(() => tracker.exitContext(Symbol('x') as unknown as string)).toThrow(
        UnknownContextError,
      );
    });

    it('throws for a process context in a request, and keeps that context', () => {
      const { tracker, locator, seen } = recorded();
      tracker.enterContext('app', { version: 1 });
      const exit = (): void => tracker.exitContext('app');
      locator.run('request', () => {
        expect(exit).toThrow(UnknownContextError);
        expect(exit).toThrow(/belongs to the process/);
        locator.run('handler', () =>
          tracker.context({}, () => expect(exit).toThrow(UnknownContextError)),
        );
        expect(seen()).toEqual({ version: 1 });
      });
      tracker.context({}, exit);
      expect(seen()).toEqual({});
    });
  });

  describe('a using declaration', () => {
    it('exits its context at the end of the block', () => {
      const { tracker, seen } = recorded();
      {
        using entered = tracker.enterContext('session', { user_id: 7 });
        expect(entered.conversions).toEqual([]);
        expect(seen()).toEqual({ user_id: 7 });
      }
      expect(seen()).toEqual({});
    });

    it('removes only its own entry', () => {
      const { tracker, seen } = recorded();
      const first = tracker.enterContext('session', { n: 1 });
      const second = tracker.enterContext('session', { n: 2 });
      first[Symbol.dispose]();
      expect(seen()).toEqual({ n: 2 });
      tracker.context('session', { n: 3 }, () => {
        second[Symbol.dispose]();
        expect(seen()).toEqual({ n: 3 });
      });
      expect(seen()).toEqual({});
      tracker.enterContext('session', { n: 4 });
      second[Symbol.dispose]();
      expect(seen()).toEqual({ n: 4 });
    });

    it('can end after its context was exited', () => {
      const { tracker } = recorded();
      const entered = tracker.enterContext('session', {});
      tracker.exitContext('session');
      expect(() => entered[Symbol.dispose]()).not.toThrow();
    });
  });

  describe('blocks', () => {
    it('return the result of the callback, and the same promise if it is one', async () => {
      const { tracker } = recorded();
      const promise = Promise.resolve(5);
      const thenable = { then: vi.fn() };
      expect(tracker.context('a', {}, () => 5)).toBe(5);
      expect(tracker.context({}, () => promise)).toBe(promise);
      expect(tracker.context({}, () => thenable)).toBe(thenable);
      await promise;
      expect(thenable.then).not.toHaveBeenCalled();
    });

    it('throw and reject like the callback, and exit their context', async () => {
      const { tracker, seen } = recorded();
      const fault = new Error('mine');
      expect(() =>
        tracker.context('a', { a: 1 }, () => {
          throw fault;
        }),
      ).toThrow(fault);
      expect(seen()).toEqual({});
      await expect(
        tracker.context('a', { a: 1 }, async () => {
          await tick();
          throw fault;
        }),
      ).rejects.toBe(fault);
      expect(seen()).toEqual({});
    });

    it('require a callback', () => {
      const { tracker } = recorded();
      for (const args of [['a', {}], [{}], ['a', {}, 5], []]) {
        expect(() => Reflect.apply(tracker.context, tracker, args)).toThrow(
          /callback must be a function/,
        );
      }
    });

    it('keep a context until their promise settles, and then restore the shadowed one', async () => {
      const { tracker, seen } = recorded();
      tracker.enterContext('user', { id: 1 });
      await tracker.context('user', { id: 2 }, async () => {
        await tick();
        expect(seen()).toEqual({ id: 2 });
        await tracker.context('user', { id: 3 }, async () => {
          await tick();
          expect(seen()).toEqual({ id: 3 });
        });
        expect(seen()).toEqual({ id: 2 });
      });
      expect(seen()).toEqual({ id: 1 });
    });

    it('end at once for a caller that does not wait', async () => {
      const { tracker, seen } = recorded();
      const running = tracker.context('a', { a: 1 }, tick);
      expect(seen()).toEqual({});
      await running;
    });

    it('continue in work that they started without awaiting it', async () => {
      const { tracker, seen } = recorded();
      let late: Promise<EventContext> | undefined;
      tracker.context('a', { a: 1 }, () => {
        late = tick().then(() => seen());
        tracker.enterContext('b', { b: 1 });
      });
      expect(seen()).toEqual({});
      expect(await late).toEqual({ a: 1, b: 1 });
    });

    it('can restart themselves without limit', async () => {
      const { tracker, seen } = recorded();
      const turns = 20_000;
      const last = await new Promise<unknown>((resolve) => {
        const turn = (n: number): void =>
          tracker.context('turn', { n }, () => {
            if (n === turns) resolve(seen());
            else queueMicrotask(() => turn(n + 1));
          });
        turn(1);
      });
      expect(last).toEqual({ n: turns });
    });

    it('isolate a branch of a Promise.all', async () => {
      const { tracker, events } = recorded();
      const branch = (id: number): Promise<void> =>
        tracker.context('branch', { id }, async () => {
          for (let step = 0; step < 5; step++) {
            await (step % 2 === 0 ? tick() : Promise.resolve());
            tracker.enterContext('step', { step });
            tracker.emit(`branch ${id}`);
          }
        });
      await Promise.all([1, 2, 3].map(branch));
      for (const { name, context } of events) expect(name).toBe(`branch ${String(context['id'])}`);
      expect(
        events.filter(({ name }) => name === 'branch 2').map(({ context }) => context['step']),
      ).toEqual([0, 1, 2, 3, 4]);
    });

    it('without a name neither shadow nor are shadowed', () => {
      const { tracker, seen } = recorded();
      tracker.context({ a: 1, k: 1 }, () => {
        tracker.context({ b: 1, k: 2 }, () => {
          expect(seen()).toEqual({ a: 1, b: 1, k: 2 });
          expect(tracker.locatedContext.names).toEqual([]);
        });
        expect(seen()).toEqual({ a: 1, k: 1 });
      });
      expect(seen()).toEqual({});
    });

    it('discard contexts that were entered in them', () => {
      const { tracker, seen } = recorded();
      tracker.context({}, () => void tracker.enterContext('inner', { inner: 1 }));
      expect(seen()).toEqual({});
    });
  });

  describe('scopes', () => {
    it('isolate requests', async () => {
      const { tracker, locator, events } = recorded();
      const request = (id: number): Promise<void> =>
        locator.run('request', async () => {
          tracker.enterContext('request', { id });
          await tick();
          tracker.emit(`request ${id}`);
        });
      await Promise.all([1, 2, 3].map(request));
      expect(events.map(({ name, context }) => [name, context])).toEqual(
        [1, 2, 3].map((id) => [`request ${id}`, { id }]),
      );
    });

    it('nest each request directly in the process', () => {
      const { tracker, locator, seen } = recorded();
      tracker.enterContext('process', { process: 1 });
      tracker.context({ block: 1 }, () => {
        locator.run('request', () => expect(seen()).toEqual({ process: 1 }));
        expect(seen()).toEqual({ process: 1, block: 1 });
      });
    });

    it('continue in a given stack', () => {
      const { tracker, locator, seen } = recorded();
      const stack = locator.run('request', () => {
        tracker.enterContext('request', { id: 1 });
        return tracker.locatedContext;
      });
      locator.run('request', () => locator.run(stack, () => expect(seen()).toEqual({ id: 1 })));
    });

    it('expose their kind and their outer scope', () => {
      const { locator } = recorded();
      const process = locator.get();
      const [request, handler] = locator.run('request', () => [
        locator.get(),
        locator.run('handler', () => locator.get()),
      ]);
      expect([process, request, handler].map(({ scope }) => scope)).toEqual([
        'process',
        'request',
        'handler',
      ]);
      expect(handler.outer).toBe(request);
      expect(request.outer).toBe(process);
      expect(handler.isWithin(process)).toBe(true);
      expect(request.isWithin(handler)).toBe(false);
      expect(locator.run('request', () => locator.get()).isWithin(request)).toBe(false);
    });

    it('of two locators are independent at any nesting', () => {
      const [a, b] = [recorded(), recorded()];
      a.tracker.enterContext('process', { of: 'a' });
      b.locator.run('request', () => {
        a.locator.run('request', () => {
          a.tracker.enterContext('request', { a: 1 });
          b.tracker.enterContext('request', { b: 1 });
          a.tracker.context({ block: 'a' }, () => {
            b.tracker.context({ block: 'b' }, () => {
              a.tracker.context({ inner: 'a' }, () => {
                expect(a.seen()).toEqual({ of: 'a', a: 1, block: 'a', inner: 'a' });
                expect(b.seen()).toEqual({ b: 1, block: 'b' });
              });
            });
          });
        });
        expect(a.seen()).toEqual({ of: 'a' });
        expect(b.seen()).toEqual({ b: 1 });
      });
      expect(b.seen()).toEqual({});
    });

    it('are shared by the trackers of one locator', () => {
      const contextLocator = new DefaultContextLocator();
      const [one, other] = [
        recorded({ contextLocator }),
        recorded({ contextLocator, name: 'audit' }),
      ];
      one.tracker.context({ user_id: 7 }, () => expect(other.seen()).toEqual({ user_id: 7 }));
    });
  });

  describe('a context for one tracker', () => {
    const contextLocator = new DefaultContextLocator();
    const [main, audit] = [
      recorded({ contextLocator }),
      recorded({ contextLocator, name: 'audit' }),
    ];

    it('applies only to that tracker', () => {
      contextLocator.run('request', () => {
        contextLocator.get().enter('user', { secret: 1 }, { tracker: 'audit' });
        expect(main.seen()).toEqual({});
        expect(audit.seen()).toEqual({ secret: 1 });
        expect(audit.tracker.resolveContext()).toEqual({ secret: 1 });
      });
    });

    it('shadows the same name for that tracker only', () => {
      contextLocator.run('request', () => {
        main.tracker.enterContext('user', { id: 1, name: 'x' });
        contextLocator.run('handler', () => {
          contextLocator.get().enter('user', { id: 2 }, { tracker: 'audit' });
          expect(main.seen()).toEqual({ id: 1, name: 'x' });
          expect(audit.seen()).toEqual({ id: 2 });
        });
        expect(audit.seen()).toEqual({ id: 1, name: 'x' });
      });
    });

    it('is shadowed by a later context of the same name for all trackers', () => {
      contextLocator.run('request', () => {
        contextLocator.get().enter('user', { id: 2, secret: 1 }, { tracker: 'audit' });
        main.tracker.context('user', { id: 3 }, () => expect(audit.seen()).toEqual({ id: 3 }));
        main.tracker.enterContext('user', { id: 4 });
        expect(audit.seen()).toEqual({ id: 4 });
      });
    });
  });

  describe('live contexts', () => {
    it('are read again for each event', () => {
      const { locator, seen } = recorded();
      let tenant = 'a';
      locator.run('request', () => {
        using live = locator.get().enterLive('cls', () => ({ tenant }), noFault);
        expect(live.conversions).toEqual([]);
        expect(seen()).toEqual({ tenant: 'a' });
        tenant = 'b';
        expect(seen()).toEqual({ tenant: 'b' });
      });
    });

    it('are merged in the order of entry', () => {
      const { tracker, locator, seen } = recorded();
      locator.run('request', () => {
        tracker.enterContext('before', { k: 'before', before: 1 });
        locator.get().enterLive('live', () => ({ k: 'live', live: 1 }), noFault);
        expect(seen()).toEqual({ k: 'live', before: 1, live: 1 });
        tracker.enterContext('after', { k: 'after' });
        expect(seen()).toEqual({ k: 'after', before: 1, live: 1 });
        tracker.exitContext('live');
        expect(seen()).toEqual({ k: 'after', before: 1 });
      });
    });

    it.each([
      [
        'throws',
        () => {
          throw new Error('no store');
        },
      ],
      ['returns a value that is not an object', () => 5 as unknown as object],
    ])('are empty for an event, and reported, if their function %s', (_, read) => {
      const { tracker, locator, seen } = recorded();
      const onFault = vi.fn();
      locator.run('request', () => {
        tracker.enterContext('other', { other: 1 });
        locator.get().enterLive('live', read, onFault);
        expect(seen()).toEqual({ other: 1 });
        expect(onFault).toHaveBeenCalledWith(expect.any(Error));
      });
    });

    it('apply only to their tracker', () => {
      const contextLocator = new DefaultContextLocator();
      const [main, audit] = [
        recorded({ contextLocator }),
        recorded({ contextLocator, name: 'audit' }),
      ];
      contextLocator.get().enterLive('live', () => ({ live: 1 }), noFault, { tracker: 'audit' });
      expect(main.seen()).toEqual({});
      expect(audit.seen()).toEqual({ live: 1 });
    });
  });
});

/*
 * A naive model of contexts: scopes are passed explicitly, which the library finds by itself, and
 * nothing is cached.
 */

type Who = 0 | 1;
type Values = Record<string, unknown>;
type Program = readonly Operation[];
type Operation =
  | { do: 'emit'; who: Who }
  | { do: 'enter'; who: Who; name: string; values: Values; only: boolean }
  | { do: 'exit'; who: Who; name: string }
  | { do: 'wait'; ticks: number }
  | { do: 'using'; who: Who; name: string; values: Values; body: Program }
  | { do: 'block'; who: Who; name: string | undefined; values: Values; body: Program }
  | { do: 'scope'; who: Who; scope: ContextScope; body: Program }
  | { do: 'all'; branches: readonly Program[] }
  | { do: 'detach'; body: Program };

interface ModelEntry {
  name: string | undefined;
  values: Values;
  only: boolean;
}

interface ModelScope {
  kind: ContextScope;
  entries: ModelEntry[];
  outer: ModelScope | undefined;
}

function modelEnter(scope: ModelScope, entry: ModelEntry): void {
  if (entry.name !== undefined) {
    scope.entries = scope.entries.filter(
      ({ name, only }) => name !== entry.name || only !== entry.only,
    );
  }
  scope.entries.push(entry);
}

/** Exits a context of the model; returns whether there was one. */
function modelExit(innermost: ModelScope, name: string): boolean {
  for (let scope: ModelScope | undefined = innermost; scope !== undefined; scope = scope.outer) {
    const index = scope.entries.findLastIndex((entry) => entry.name === name);
    if (index >= 0) {
      scope.entries.splice(index, 1);
      return true;
    }
    if (scope.kind === 'request') return false;
  }
  return false;
}

function modelResolve(innermost: ModelScope, reachesAudit: boolean): EventContext {
  const entries: ModelEntry[] = [];
  for (let scope: ModelScope | undefined = innermost; scope !== undefined; scope = scope.outer) {
    entries.unshift(...scope.entries.filter(({ only }) => !only || reachesAudit));
  }
  const visible = entries.filter(({ name }, index) => {
    return name === undefined || !entries.some((later, at) => at > index && later.name === name);
  });
  return Object.assign({}, ...visible.map(({ values }) => values)) as EventContext;
}

/** Runs a program against the trackers and the model in parallel. */
class Execution {
  readonly #detached: Promise<void>[] = [];
  readonly #process: readonly ModelScope[] = [0, 1].map(() => ({
    kind: 'process',
    entries: [],
    outer: undefined,
  }));

  /**
   * Two locators, each with a tracker `default` and a tracker `audit`, to which contexts can be
   * limited.
   */
  readonly #trackers: readonly { main: Recorded; audit: Recorded }[];

  constructor(makeLocator: () => ContextLocator) {
    this.#trackers = [0, 1].map(() => {
      const contextLocator = makeLocator();
      return {
        main: recorded({ contextLocator }),
        audit: recorded({ contextLocator, name: 'audit' }),
      };
    });
  }

  async run(program: Program): Promise<void> {
    await this.#runAll(program, this.#process);
    while (this.#detached.length > 0) await this.#detached.pop();
    this.#compare(this.#process);
  }

  async #runAll(program: Program, scopes: readonly ModelScope[]): Promise<void> {
    for (const operation of program) {
      await this.#runOne(operation, scopes);
      this.#compare(scopes);
    }
  }

  #compare(scopes: readonly ModelScope[]): void {
    this.#trackers.forEach(({ main, audit }, who) => {
      expect(main.seen()).toEqual(modelResolve(scopes[who]!, false));
      expect(audit.seen()).toEqual(modelResolve(scopes[who]!, true));
    });
  }

  async #runOne(operation: Operation, scopes: readonly ModelScope[]): Promise<void> {
    if (operation.do === 'wait') {
      for (let count = 0; count < operation.ticks; count++)
        await (count % 2 === 0 ? Promise.resolve() : tick());
      return;
    }
    if (operation.do === 'all') {
      await Promise.all(operation.branches.map((branch) => this.#runAll(branch, scopes)));
      return;
    }
    if (operation.do === 'detach') {
      this.#detached.push(this.#runAll(operation.body, scopes));
      return;
    }
    const { who } = operation;
    const scope = scopes[who]!;
    const { tracker, locator } = this.#trackers[who]!.main;
    const within = (inner: ModelScope): ModelScope[] =>
      scopes.map((each, index) => (index === who ? inner : each));
    switch (operation.do) {
      case 'emit':
        return;
      case 'enter': {
        const { name, values, only } = operation;
        tracker.locatedContext.enter(name, values, only ? { tracker: 'audit' } : {});
        modelEnter(scope, { name, values, only });
        return;
      }
      case 'exit': {
        const exit = (): void => tracker.exitContext(operation.name);
        if (modelExit(scope, operation.name)) exit();
        else expect(exit).toThrow(UnknownContextError);
        return;
      }
      case 'using': {
        const entry = { name: operation.name, values: operation.values, only: false };
        modelEnter(scope, entry);
        {
          using _ = tracker.enterContext(operation.name, operation.values);
          await this.#runAll(operation.body, scopes);
        }
        scope.entries = scope.entries.filter((each) => each !== entry);
        return;
      }
      case 'block': {
        const { name, values, body } = operation;
        const inner: ModelScope = {
          kind: 'block',
          entries: [{ name, values, only: false }],
          outer: scope,
        };
        const run = (): Promise<void> => this.#runAll(body, within(inner));
        await (name === undefined
          ? tracker.context(values, run)
          : tracker.context(name, values, run));
        return;
      }
      case 'scope': {
        const outer = operation.scope === 'request' ? this.#process[who] : scope;
        const inner: ModelScope = { kind: operation.scope, entries: [], outer };
        await locator.run(operation.scope, () => this.#runAll(operation.body, within(inner)));
        return;
      }
    }
  }
}

/** Arbitrary programs; `parallel` ones have branches and work that is not awaited. */
function programs({ parallel }: { parallel: boolean }): fc.Arbitrary<Program> {
  const who = fc.constantFrom<Who>(0, 1);
  const name = fc.constantFrom('user', 'session', 'course');
  const key = fc.constantFrom('id', 'name', 'at', '__proto__x');
  const value = fc.oneof(fc.nat(9), fc.record({ deep: fc.nat(9) }, { noNullPrototype: true }));
  const values = fc.dictionary(key, value, { maxKeys: 3, noNullPrototype: true });
  return fc.letrec<{ program: Program; operation: Operation; nesting: Operation }>((tie) => ({
    program: fc.array(tie('operation'), { maxLength: 6 }),
    operation: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('emit' as const), who }) },
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constant('enter' as const),
          who,
          name,
          values,
          only: fc.boolean(),
        }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('exit' as const), who, name }) },
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant('wait' as const),
          ticks: fc.integer({ min: 1, max: 4 }),
        }),
      },
      { weight: 6, arbitrary: tie('nesting') },
    ),
    nesting: fc.oneof(
      fc.record({ do: fc.constant('using' as const), who, name, values, body: tie('program') }),
      fc.record({
        do: fc.constant('block' as const),
        who,
        name: fc.option(name, { nil: undefined }),
        values,
        body: tie('program'),
      }),
      fc.record({
        do: fc.constant('scope' as const),
        who,
        scope: fc.constantFrom<ContextScope>('request', 'handler'),
        body: tie('program'),
      }),
      ...(parallel
        ? [
            fc.record({
              do: fc.constant('all' as const),
              branches: fc.array(tie('program'), { minLength: 2, maxLength: 3 }),
            }),
            fc.record({ do: fc.constant('detach' as const), body: tie('program') }),
          ]
        : []),
    ),
  })).program;
}

describe('Any program of contexts', () => {
  it('sees the same contexts as a naive model, in any interleaving of its branches', async () => {
    await fc.assert(
      fc.asyncProperty(programs({ parallel: true }), async (program) => {
        await new Execution(() => new DefaultContextLocator()).run(program);
      }),
      { numRuns: 400 },
    );
  });
});

describe('DefaultContextLocator', () => {
  it('extends StorageContextLocator', () => {
    expect(new DefaultContextLocator()).toBeInstanceOf(StorageContextLocator);
    expect(new DefaultContextLocator().get()).toBeInstanceOf(ContextStack);
  });

  it('creates the storage at first use and shares it among all locators', async () => {
    const find = vi.spyOn(process, 'getBuiltinModule');
    vi.resetModules();
    const fresh = await import('./default-context-locator.js');
    const locators = [1, 2, 3].map(() => new fresh.DefaultContextLocator());
    expect(find).not.toHaveBeenCalled();
    for (const locator of locators) locator.run('request', () => locator.get());
    expect(find).toHaveBeenCalledTimes(1);
    find.mockRestore();
  });

  describe('without asynchronous storage', () => {
    afterEach(() => {
      vi.unstubAllGlobals();
      vi.restoreAllMocks();
    });

    async function lonelyLocator(): Promise<() => ContextLocator> {
      vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined as never);
      vi.resetModules();
      const fresh = await import('./default-context-locator.js');
      return () => new fresh.DefaultContextLocator();
    }

    it('sees the same contexts as the model in programs without branches', async () => {
      const makeLocator = await lonelyLocator();
      await fc.assert(
        fc.asyncProperty(programs({ parallel: false }), async (program) => {
          await new Execution(makeLocator).run(program);
        }),
        { numRuns: 200 },
      );
    });

    it('keeps one stack per locator, which all code sees until a block settles', async () => {
      const { tracker, seen } = recorded({ contextLocator: (await lonelyLocator())() });
      const promise = tick();
      const running = tracker.context({ a: 1 }, () => promise);
      expect(running).toBe(promise);
      expect(seen()).toEqual({ a: 1 });
      await running;
      expect(seen()).toEqual({});
    });

    it('ends overlapping blocks in any order', async () => {
      const { tracker, seen } = recorded({ contextLocator: (await lonelyLocator())() });
      const ends: (() => void)[] = [];
      const block = (context: object): Promise<void> =>
        tracker.context(context, () => new Promise<void>((end) => ends.push(end)));
      const [first, second] = [block({ a: 1 }), block({ b: 1 })];
      expect(seen()).toEqual({ a: 1, b: 1 });
      ends[0]!();
      await first;
      expect(seen()).toMatchObject({ b: 1 });
      ends[1]!();
      await second;
      expect(seen()).toEqual({});
    });

    it('exits a block that throws or rejects, and passes the error on', async () => {
      const { tracker, seen } = recorded({ contextLocator: (await lonelyLocator())() });
      const fault = new Error('mine');
      expect(() =>
        tracker.context({ a: 1 }, () => {
          throw fault;
        }),
      ).toThrow(fault);
      expect(seen()).toEqual({});
      await expect(tracker.context({ a: 1 }, () => Promise.reject(fault))).rejects.toBe(fault);
      expect(seen()).toEqual({});
    });

    it('works without a global process', async () => {
      vi.resetModules();
      const fresh = await import('./default-context-locator.js');
      const realProcess = process;
      vi.stubGlobal('process', undefined);
      const locator = new fresh.DefaultContextLocator();
      const scope = locator.run('request', () => locator.get().scope);
      vi.stubGlobal('process', realProcess);
      expect(scope).toBe('request');
    });
  });
});
