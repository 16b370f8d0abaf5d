import { types } from 'node:util';
import type { CallOutcome } from './method-call.js';
import type { AnyGenerator } from './result-kind.js';
import type { Run } from './subscribe-within.js';

type StepName = 'next' | 'return' | 'throw';
type Step = (...args: unknown[]) => IteratorResult<unknown> | Promise<IteratorResult<unknown>>;

/**
 * Runs each step of a generator in a scope, and reports once how its body ended.
 *
 * @remarks
 * The generator stays the same object: its methods are replaced by properties of its own. Ending by
 * `return`, as `break` does, is leaving early. A body that never began is not reported.
 * @returns whether the generator could be changed; a frozen one cannot
 */
export function trackGenerator(
  generator: AnyGenerator,
  run: Run,
  settle: (outcome: CallOutcome) => void,
): boolean {
  const body = new GeneratorBody(run, settle);
  return (['next', 'return', 'throw'] as const).every((name) => {
    const step = (generator as unknown as Record<StepName, Step>)[name];
    return Reflect.defineProperty(generator, name, {
      configurable: true,
      writable: true,
      value: (...args: unknown[]) => body.run(name, () => Reflect.apply(step, generator, args)),
    });
  });
}

class GeneratorBody {
  #hasBegun = false;
  #hasEnded = false;
  #isLeaving = false;
  #isRunning = false;

  constructor(
    private readonly runInScope: Run,
    private readonly settle: (outcome: CallOutcome) => void,
  ) {}

  run(name: StepName, step: Step): ReturnType<Step> {
    // The engine rejects a step that the body itself takes; the body goes on.
    if (this.#isRunning) return step();
    if (name === 'next') this.#hasBegun = true;
    const hadBegun = this.#hasBegun;
    this.#isRunning = true;
    try {
      return this.runInScope(() => this.#take(name, step, hadBegun));
    } finally {
      this.#isRunning = false;
    }
  }

  #take(name: StepName, step: Step, hadBegun: boolean): ReturnType<Step> {
    const succeed = (result: IteratorResult<unknown>): IteratorResult<unknown> => {
      if (result.done !== true) this.#isLeaving ||= name === 'return';
      else
        this.#end(hadBegun, this.#isLeaving || name === 'return' ? {} : { result: result.value });
      return result;
    };
    const fail = (error: unknown): never => {
      this.#end(hadBegun, { error });
      throw error;
    };
    let result: ReturnType<Step>;
    try {
      result = step();
    } catch (error) {
      return fail(error);
    }
    return types.isPromise(result) ? result.then(succeed, fail) : succeed(result);
  }

  #end(hadBegun: boolean, outcome: CallOutcome): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (hadBegun) this.settle(outcome);
  }
}
