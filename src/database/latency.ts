/** Stands in for a database: it answers when it likes, so that requests really run side by side. */
export function databaseAnswers(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * 25));
}
