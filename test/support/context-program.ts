import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { setImmediate as immediate, setTimeout as later } from 'node:timers/promises';
import { from, lastValueFrom, type Observable } from 'rxjs';
import type { Tracker } from 'nestjs-event-tracking';
import { randomFrom } from './random.js';

/** A step of a program that enters contexts, waits and emits. */
export type Step =
  | { do: 'emit' }
  | { do: 'wait'; by: 'microtask' | 'immediate' | 'timer' }
  | { do: 'block'; name: string; values: Values; steps: Step[] }
  | { do: 'all' | 'race' | 'unawaited'; branches: Branch[] }
  | { do: 'stream' | 'emitter' | 'observable'; branch: Branch };

interface Branch {
  name: string;
  values: Values;
  steps: Step[];
}

type Values = Record<string, number>;

/** Generates a random program of nested and parallel blocks that wait in every way. */
export function writeProgram(seed: number, depth = 3): Step[] {
  const random = randomFrom(seed);
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)]!;
  const branch = (left: number): Branch => ({
    name: pick(['a', 'b', 'c']),
    values: { [pick(['x', 'y', 'z'])]: Math.floor(random() * 1000), seed },
    steps: steps(left - 1),
  });
  const step = (left: number): Step => {
    const kind =
      left > 0
        ? pick([
            'emit',
            'wait',
            'block',
            'all',
            'race',
            'stream',
            'emitter',
            'observable',
            'unawaited',
          ] as const)
        : pick(['emit', 'wait'] as const);
    switch (kind) {
      case 'emit':
        return { do: 'emit' };
      case 'wait':
        return { do: 'wait', by: pick(['microtask', 'immediate', 'timer']) };
      case 'block':
        return { do: 'block', ...branch(left) };
      case 'all':
      case 'race':
      case 'unawaited':
        return { do: kind, branches: [branch(left), branch(left)] };
      default:
        return { do: kind, branch: branch(left) };
    }
  };
  const steps = (left: number): Step[] => [
    ...Array.from({ length: 1 + Math.floor(random() * 3) }, () => step(left)),
    { do: 'emit' },
  ];
  return steps(depth);
}

/** Runs a program to its end; the data of each event name the step that emitted it. */
export async function runProgram(tracker: Tracker, program: Step[], emit: string): Promise<void> {
  const unawaited: Promise<unknown>[] = [];
  const run = async (steps: Step[], path: string): Promise<void> => {
    for (const [index, step] of steps.entries()) {
      const here = `${path}/${index}`;
      switch (step.do) {
        case 'emit':
          tracker.emit(emit, { path: here });
          break;
        case 'wait':
          await WAYS[step.by]();
          break;
        case 'block':
          await tracker.context(step.name, step.values, () => run(step.steps, here));
          break;
        case 'all':
        case 'race': {
          const branches = step.branches.map((branch, nth) => runBranch(branch, `${here}:${nth}`));
          if (step.do === 'race') await Promise.race(branches);
          await Promise.all(branches);
          break;
        }
        case 'unawaited':
          unawaited.push(
            ...step.branches.map((branch, nth) => runBranch(branch, `${here}:${nth}`)),
          );
          break;
        case 'stream':
          for await (const value of tracker.context(step.branch.name, step.branch.values, () =>
            Readable.from([1, 2]),
          )) {
            tracker.emit(emit, { path: `${here}~${String(value)}` });
          }
          break;
        case 'emitter': {
          const emitter = new EventEmitter();
          emitter.on('go', () => tracker.emit(emit, { path: `${here}!` }));
          tracker.context(step.branch.name, step.branch.values, () => emitter.emit('go'));
          break;
        }
        case 'observable':
          await lastValueFrom(
            tracker.context(step.branch.name, step.branch.values, () => observe(step.branch, here)),
          );
          break;
      }
    }
  };
  const runBranch = ({ name, values, steps }: Branch, path: string) =>
    tracker.context(name, values, () => run(steps, path));
  const observe = (branch: Branch, path: string): Observable<void> => from(run(branch.steps, path));
  await run(program, '');
  // Unawaited branches may start further ones.
  while (unawaited.length > 0) await Promise.all(unawaited.splice(0));
}

/** Returns the expected context of each emitting step, by its path. */
export function expectedContexts(
  program: Step[],
  outer: Record<string, unknown>,
): Map<string, unknown> {
  type Entered = readonly { name: string; values: Record<string, unknown> }[];
  const expected = new Map<string, unknown>();
  const merged = (entered: Entered) =>
    Object.assign({}, ...entered.map(({ values }) => values)) as object;
  const inside = (
    entered: Entered,
    { name, values }: { name: string; values: Values },
  ): Entered => [...entered.filter((other) => other.name !== name), { name, values }];
  const read = (steps: Step[], path: string, entered: Entered): void => {
    for (const [index, step] of steps.entries()) {
      const here = `${path}/${index}`;
      switch (step.do) {
        case 'emit':
          expected.set(here, merged(entered));
          break;
        case 'wait':
          break;
        case 'block':
          read(step.steps, here, inside(entered, step));
          break;
        case 'all':
        case 'race':
        case 'unawaited':
          for (const [nth, branch] of step.branches.entries()) {
            read(branch.steps, `${here}:${nth}`, inside(entered, branch));
          }
          break;
        case 'stream':
          // The code that reads a stream runs outside the block that created it.
          expected.set(`${here}~1`, merged(entered)).set(`${here}~2`, merged(entered));
          break;
        case 'emitter':
          // Listeners run synchronously, inside the block that emits.
          expected.set(`${here}!`, merged(inside(entered, step.branch)));
          break;
        case 'observable':
          read(step.branch.steps, here, inside(entered, step.branch));
      }
    }
  };
  read(program, '', [{ name: 'request', values: outer }]);
  return expected;
}

const WAYS = {
  microtask: () => Promise.resolve(),
  immediate: () => immediate(),
  timer: () => later(1),
};
