/** A processor that computes for BENCH_BURN_MS milliseconds. */
const MILLISECONDS = Number(process.env.BENCH_BURN_MS);

export default function burn() {
  const end = performance.now() + MILLISECONDS;
  while (performance.now() < end);
}
