/** Simulates the varying latency of a database, so that requests really interleave. */
export function databaseAnswers(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * 25));
}
