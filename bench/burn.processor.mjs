/** A processor that computes for as long as the environment says, in milliseconds. */
const MILLISECONDS = Number(process.env.BENCH_BURN_MS);

export default function burn() {
  const end = performance.now() + MILLISECONDS;
  while (performance.now() < end);
}
