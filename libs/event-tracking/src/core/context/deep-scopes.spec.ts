import { EventEmitter } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ContextLocator } from './context-locator.js';
import { ContextStack } from './context-stack.js';
import { DefaultContextLocator } from './default-context-locator.js';
import type { EventContext } from '../event/event.js';
import { Tracker } from '../tracker/tracker.js';

/** More turns than any bound on the depth of scopes; small enough for each way to restart. */
const TURNS = 2_000;
const DEPTH_LIMIT = 32;

function trackerOn(contextLocator: ContextLocator, name = 'default'): Tracker {
  return new Tracker({ name, contextLocator, logger: { warn() {}, error() {} } });
}

function depthOf(stack: ContextStack): number {
  let depth = 0;
  for (let outer = stack.outer; outer !== undefined; outer = outer.outer) depth++;
  return depth;
}

/** Calls a function again and again, from within the work that the previous call started. */
type Restart = (turn: (again: () => void) => unknown) => void;

const immediately: Restart = (turn) => {
  const run = (): void => void turn(() => setImmediate(run));
  run();
};

describe('Work that restarts itself nests scopes to a limited depth', () => {
  const ways: Record<string, Restart> = {
    'in a microtask': (turn) => {
      const run = (): void => void turn(() => queueMicrotask(run));
      run();
    },
    'in setImmediate': immediately,
    'in a promise': (turn) => {
      const run = (): void => void turn(() => void Promise.resolve().then(run));
      run();
    },
    'in an asynchronous function': (turn) => {
      const run = async (): Promise<void> => {
        await Promise.resolve();
        turn(() => void run());
      };
      void run();
    },
    'in a listener of an event emitter': (turn) => {
      const emitter = new EventEmitter();
      emitter.on('again', () => turn(() => setImmediate(() => emitter.emit('again'))));
      emitter.emit('again');
    },
  };

  it.each(Object.entries(ways))('%s', async (_way, restart) => {
    const tracker = trackerOn(new DefaultContextLocator());
    let turns = 0;
    let deepest = 0;
    await new Promise<void>((done) => {
      restart((again) =>
        tracker.context('turn', { turns }, () => {
          expect(tracker.resolveContext()).toEqual({ turns });
          deepest = Math.max(deepest, depthOf(tracker.locatedContext));
          if (++turns < TURNS) again();
          else done();
        }),
      );
    });
    expect(deepest).toBe(DEPTH_LIMIT);
  });

  it('while the callers await each other', async () => {
    const tracker = trackerOn(new DefaultContextLocator());
    const recurse = (level: number): Promise<number> =>
      tracker.context('level', { level }, async () => {
        await Promise.resolve();
        expect(tracker.resolveContext()).toEqual({ level });
        const inner = level === TURNS ? depthOf(tracker.locatedContext) : await recurse(level + 1);
        expect(tracker.resolveContext()).toEqual({ level });
        return inner;
      });
    expect(await recurse(1)).toBeLessThanOrEqual(DEPTH_LIMIT);
  });

  it('from an interval, whose calls are siblings', async () => {
    const tracker = trackerOn(new DefaultContextLocator());
    const depths = new Set<number>();
    await new Promise<void>((done) => {
      tracker.context('poller', {}, () => {
        let turns = 0;
        const timer = setInterval(() => {
          tracker.context('turn', { turns }, () => depths.add(depthOf(tracker.locatedContext)));
          if (++turns < 5) return;
          clearInterval(timer);
          done();
        }, 0);
      });
    });
    expect([...depths]).toEqual([2]);
  });

  it('in a request, whose context it keeps', async () => {
    const locator = new DefaultContextLocator();
    const tracker = trackerOn(locator);
    const request = await new Promise<ContextStack>((done) => {
      locator.run('request', () => {
        const stack = locator.get();
        tracker.enterContext('request', { path: '/courses' });
        let turns = 0;
        immediately((again) =>
          tracker.context('turn', { turns }, () => {
            expect(tracker.resolveContext()).toEqual({ path: '/courses', turns });
            expect(locator.get().isWithin(stack)).toBe(true);
            if (++turns < TURNS) again();
            else done(stack);
          }),
        );
      });
    });
    expect(depthOf(request)).toBe(1);
  });

  it('and to a limited memory after a million turns', async () => {
    const tracker = trackerOn(new DefaultContextLocator());
    const scopes: WeakRef<ContextStack>[] = [];
    let turns = 0;
    const innermost = await new Promise<ContextStack>((done) => {
      const run = (): void =>
        tracker.context({ turns }, () => {
          if (++turns % 100_000 === 0) scopes.push(new WeakRef(tracker.locatedContext));
          if (turns === 1_000_000) done(tracker.locatedContext);
          else if (turns % 1_000 === 0) setImmediate(run);
          else queueMicrotask(run);
        });
      run();
    });
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const kept = (): number => scopes.filter((scope) => scope.deref() !== undefined).length;
    await expect.poll(() => (collectGarbage(), kept())).toBe(1);
    expect(depthOf(innermost)).toBeLessThanOrEqual(DEPTH_LIMIT);
  });
});

describe('Scopes that nest deeply', () => {
  it('see later changes to the 16 scopes around the code', () => {
    const locator = new DefaultContextLocator();
    const tracker = trackerOn(locator);
    const stacks: ContextStack[] = [];
    const nest = (level: number): void =>
      locator.run('block', () => {
        stacks.push(locator.get());
        if (level < 40) return nest(level + 1);
        stacks.at(-15)!.enter('near', { near: true });
        stacks.at(-40)!.enter('far', { far: true });
        return expect(tracker.resolveContext()).toEqual({ near: true });
      });
    nest(1);
    locator.run(stacks[0]!, () => expect(tracker.resolveContext()).toEqual({ far: true }));
  });

  it('keep contexts that an outer scope has exited since', () => {
    const locator = new DefaultContextLocator();
    const tracker = trackerOn(locator);
    const nest = (level: number, then: () => void): void =>
      locator.run('block', () => (level === 0 ? then() : nest(level - 1, then)));
    tracker.context('outer', {}, () => {
      const entered = tracker.enterContext('step', { step: 1 });
      nest(60, () => {
        entered[Symbol.dispose]();
        expect(tracker.resolveContext()).toEqual({ step: 1 });
        tracker.exitContext('step');
        expect(tracker.resolveContext()).toEqual({});
      });
    });
  });

  it('resolve to the same contexts as scopes without a limit', () => {
    const name = fc.constantFrom('user', 'course', undefined);
    const values = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(9), {
      maxKeys: 3,
      noNullPrototype: true,
    });
    const entry = fc.record({ name, values, only: fc.constantFrom(undefined, 'audit') });
    const scopes = fc.array(fc.array(entry, { maxLength: 3 }), { minLength: 34, maxLength: 120 });
    fc.assert(
      fc.property(scopes, (chain) => {
        let stack = new ContextStack('process');
        let entered: (typeof chain)[number] = [];
        for (const entries of chain) {
          stack = new ContextStack('block', stack);
          for (const { name: own, values: context, only } of entries) {
            stack.enter(own, context, only === undefined ? {} : { tracker: only });
          }
          entered = [...entered, ...entries];
        }
        for (const tracker of ['default', 'audit']) {
          expect(stack.resolve(tracker)).toEqual(mergeNaively(entered, tracker));
        }
        expect(depthOf(stack)).toBeLessThanOrEqual(DEPTH_LIMIT);
      }),
      { numRuns: 200 },
    );
  });
});

/** Merges entered contexts, outermost first, with nothing removed but those that are shadowed. */
function mergeNaively(
  entered: readonly { name: string | undefined; values: object; only: string | undefined }[],
  tracker: string,
): EventContext {
  const applying = entered.filter(({ only }) => only === undefined || only === tracker);
  const visible = applying.filter(
    ({ name }, index) =>
      name === undefined || !applying.some((later, at) => at > index && later.name === name),
  );
  return Object.assign({}, ...visible.map(({ values }) => values)) as EventContext;
}
