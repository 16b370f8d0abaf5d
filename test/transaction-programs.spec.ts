import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  ClsPluginTransactional,
  Propagation,
  TransactionHost,
  type TransactionalAdapter,
} from '@nestjs-cls/transactional';
import { ClsModule } from 'nestjs-cls';
import { defineEvent, EventTrackingModule, Tracker } from 'nestjs-event-tracking';
import { inTransaction, transactionalEvents } from 'nestjs-event-tracking/transactional';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Recorder } from './support/http-application.js';
import { RecordingLogger } from './support/recording-logger.js';
import {
  ModelOfTransactions,
  type Around,
  type ModelTransaction,
} from './support/model-of-transactions.js';
import { unaccountedEvents } from './support/unaccounted-events.js';

type Step =
  | { kind: 'emit'; always: boolean }
  | { kind: 'throw' }
  | { kind: 'try'; body: Step[] }
  | { kind: 'transaction'; propagation: Propagation; body: Step[]; conflicts: number }
  | { kind: 'own'; body: Step[]; conflicts: number }
  | { kind: 'parallel'; branches: Step[][] }
  | { kind: 'detached'; events: number };

const MAX_ATTEMPTS = 3;

const Always = defineEvent('always', {
  description: 'Survives a rollback.',
  fields: { number: { description: 'The number.', type: 'number' } },
  transaction: 'always',
});

/** Why the database asks for another attempt. */
class Conflict extends Error {}

interface Options {
  /** How many attempts fail to commit. */
  conflicts?: number;
}

/** A database in memory, whose transactions know nothing of events. */
class MemoryAdapter implements TransactionalAdapter<object, object, Options> {
  readonly connection = { name: 'memory' };

  optionsFactory = () => ({
    wrapWithTransaction: async (
      { conflicts = 0 }: Options,
      callback: () => Promise<unknown>,
      setTransaction: (client?: object) => void,
    ) => {
      for (let attempt = 1; ; attempt++) {
        setTransaction({ attempt });
        const result = await callback();
        await turn();
        if (attempt > conflicts) return result;
        if (attempt >= MAX_ATTEMPTS) throw new Conflict();
      }
    },
    wrapWithNestedTransaction: async (
      _options: Options,
      callback: () => Promise<unknown>,
      setTransaction: (client?: object) => void,
    ) => {
      setTransaction({ savepoint: true });
      const result = await callback();
      await turn();
      return result;
    },
    getFallbackInstance: () => this.connection,
  });
}

const { step } = fc.letrec<{ step: Step; body: Step[] }>((tie) => ({
  body: fc.array(tie('step'), { minLength: 1, maxLength: 4, depthIdentifier: 'program' }),
  step: fc.oneof(
    { depthIdentifier: 'program', maxDepth: 4, withCrossShrink: true },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('emit' as const),
        always: fc.integer({ max: 9, min: 0 }).map((n) => n === 0),
      }),
    },
    { weight: 1, arbitrary: fc.constant<Step>({ kind: 'throw' }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('detached' as const),
        events: fc.integer({ min: 1, max: 5 }),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('transaction' as const),
        propagation: fc.constantFrom(
          ...Object.values(Propagation),
          Propagation.Required,
          Propagation.Nested,
          Propagation.RequiresNew,
        ),
        body: tie('body'),
        conflicts: fc.constantFrom(0, 0, 0, 1, 2, 3),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('own' as const),
        body: tie('body'),
        conflicts: fc.constantFrom(0, 0, 1, 3),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('try' as const), body: tie('body') }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('parallel' as const),
        branches: fc.array(tie('body'), { minLength: 2, maxLength: 3 }),
      }),
    },
  ),
}));

const program = fc.array(step, { minLength: 1, maxLength: 6 });

let module: TestingModule;
let host: TransactionHost<MemoryAdapter>;
let tracker: Tracker;
const recorder = new Recorder();

beforeEach(async () => {
  module = await Test.createTestingModule({
    imports: [
      EventTrackingModule.forRoot({ backends: { recorder } }),
      ClsModule.forRoot({
        plugins: [
          new ClsPluginTransactional({ adapter: transactionalEvents(new MemoryAdapter()) }),
        ],
      }),
    ],
  })
    .setLogger(new RecordingLogger())
    .compile();
  await module.init();
  host = module.get(TransactionHost);
  tracker = module.get(Tracker);
});

afterEach(async () => {
  await module.close();
});

/** Runs a program with the library and, beside it, with the model. */
class Execution {
  readonly model = new ModelOfTransactions();
  readonly #detached: Promise<void>[] = [];
  #count = 0;

  async run(steps: readonly Step[]): Promise<void> {
    await this.#all(steps, undefined).catch(expectExpected);
    await Promise.all(this.#detached);
  }

  async #all(steps: readonly Step[], around: Around): Promise<void> {
    for (const each of steps) await this.#step(each, around);
  }

  async #step(each: Step, around: Around): Promise<void> {
    await turn();
    switch (each.kind) {
      case 'emit':
        this.#emit(around, each.always);
        return;
      case 'throw':
        throw new Conflict();
      case 'try':
        await this.#all(each.body, around).catch(expectExpected);
        return;
      case 'detached':
        this.#detached.push(this.#emitLater(each.events, around));
        return;
      case 'parallel': {
        const ends = await Promise.allSettled(
          each.branches.map(async (branch) => this.#all(branch, around)),
        );
        for (const end of ends) if (end.status === 'rejected') throw end.reason;
        return;
      }
      case 'own':
        await this.#own(each, around);
        return;
      case 'transaction':
        await this.#transaction(each, around);
    }
  }

  #emit(around: Around, always: boolean): void {
    const number = this.#count++;
    this.model.emit(number, always ? undefined : around);
    if (always) tracker.emit(Always, { number });
    else tracker.emit('event', { number });
  }

  async #emitLater(events: number, around: Around): Promise<void> {
    for (let count = 0; count < events; count++) {
      await turn();
      await turn();
      this.#emit(around, false);
    }
  }

  async #transaction(
    { propagation, body, conflicts }: Step & { kind: 'transaction' },
    around: Around,
  ): Promise<void> {
    const { model } = this;
    const options = { conflicts };
    const isActive = model.isActive(around);
    if (
      (propagation === Propagation.Never && isActive) ||
      (propagation === Propagation.Mandatory && !isActive)
    ) {
      const run = async () =>
        host.withTransaction(propagation, options, async () => this.#all(body, around));
      await expect(run()).rejects.toThrow();
      return;
    }
    const joins = ['REQUIRED', 'MANDATORY', 'SUPPORTS'].includes(propagation) && isActive;
    if (joins) {
      await host.withTransaction(propagation, async () => this.#all(body, around));
      return;
    }
    if (['NOT_SUPPORTED', 'NEVER', 'SUPPORTS'].includes(propagation)) {
      const inside = model.begin('suspended', around);
      await host.withTransaction(propagation, async () => this.#all(body, inside));
      return;
    }
    const isSavepoint = propagation === Propagation.Nested && isActive;
    await this.#attempts(around, isSavepoint ? 'savepoint' : 'transaction', async (begin) =>
      host.withTransaction(propagation, options, async () => this.#all(body, begin())),
    );
  }

  /** A transaction of the code itself, which repeats its callback. */
  async #own({ body, conflicts }: Step & { kind: 'own' }, around: Around): Promise<void> {
    await this.#attempts(around, 'own', async (beginAround) =>
      inTransaction(tracker, async (attempt) =>
        this.#attempts(beginAround(), 'own', async (begin) => {
          const callback = attempt(async () => this.#all(body, begin()));
          for (let count = 1; ; count++) {
            await callback();
            await turn();
            if (count > conflicts) return;
            if (count >= MAX_ATTEMPTS) throw new Conflict();
          }
        }),
      ),
    );
  }

  async #attempts(
    around: Around,
    kind: ModelTransaction['kind'],
    run: (begin: () => ModelTransaction) => Promise<unknown>,
  ): Promise<void> {
    let last: ModelTransaction | undefined;
    const begin = (): ModelTransaction => {
      if (last !== undefined) this.model.end(last, false);
      return (last = this.model.begin(kind, around));
    };
    let succeeded = false;
    try {
      await run(begin);
      succeeded = true;
    } finally {
      if (last !== undefined) this.model.end(last, succeeded);
    }
  }
}

function expectExpected(error: unknown): void {
  if (!(error instanceof Conflict)) throw error;
}

describe('transactionalEvents and inTransaction', () => {
  it('deliver the events of random programs like the model, in its order', async () => {
    await fc.assert(
      fc.asyncProperty(program, async (steps) => {
        recorder.clear();
        const execution = new Execution();
        await execution.run(steps);
        const delivered = recorder.events.map(({ data }) => data['number']);
        expect(delivered).toEqual(execution.model.delivered);
        expect(tracker.stats().pending).toBe(0);
        expect(unaccountedEvents(tracker.stats())).toBe(0);
      }),
      { numRuns: 200 },
    );
  }, 60_000);
});
