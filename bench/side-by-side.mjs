/** Measures two alternatives by turns in the same run, and compares the medians. */

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 9);

/** Returns the nanoseconds per call of a function. */
export function nanosecondsPerCall(fn, calls) {
  const start = process.hrtime.bigint();
  for (let call = 0; call < calls; call++) fn();
  return Number(process.hrtime.bigint() - start) / calls;
}

/** Runs the subject and its alternative by turns; each function resolves to one figure. */
export async function sideBySide({ subject, alternative, rounds = ROUNDS }) {
  const figures = { subject: [], alternative: [], ratio: [] };
  await subject();
  await alternative();
  for (let round = 0; round < rounds; round++) {
    // The order changes each round, so that a slow phase of the machine affects both.
    const order = round % 2 === 0 ? ['subject', 'alternative'] : ['alternative', 'subject'];
    for (const name of order) {
      globalThis.gc?.();
      figures[name].push(await { subject, alternative }[name]());
    }
    figures.ratio.push(figures.subject[round] / figures.alternative[round]);
  }
  return Object.fromEntries(
    Object.entries(figures).map(([name, values]) => [name, summary(values)]),
  );
}

function summary(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)], min: sorted[0], max: sorted.at(-1) };
}

/** Prints one figure, with its required ratio if it has one. */
export function report({ what, unit, result, goal }) {
  const { subject, alternative, ratio } = result;
  const number = (value) => value.toLocaleString('en', { maximumFractionDigits: 0 });
  console.log(
    `${what}\n  ${number(subject.median)} against ${number(alternative.median)} ${unit}: ` +
      `ratio ${ratio.median.toFixed(3)} (${ratio.min.toFixed(3)} to ${ratio.max.toFixed(3)})` +
      (goal === undefined ? '' : `, ${judgement(ratio.median, goal)}`),
  );
}

function judgement(ratio, { atLeast, atMost }) {
  const reached = atMost === undefined ? ratio >= atLeast : ratio <= atMost;
  const wanted = atMost === undefined ? `at least ${atLeast}` : `at most ${atMost}`;
  return `wanted ${wanted}: ${reached ? 'reached' : 'NOT reached'}`;
}
