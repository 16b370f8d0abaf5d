/** A way to get a tool; `find` rejects with the reason if this machine does not offer it. */
export interface Source<T> {
  name: string;
  find(): Promise<T>;
}

/**
 * Returns the result of the first source that succeeds.
 *
 * @param tool - the name of the tool, for the error message
 * @param advice - how to provide the tool if no source succeeds
 */
export async function firstAvailable<T>(
  sources: readonly Source<T>[],
  { tool, advice }: { tool: string; advice: string },
): Promise<T> {
  const failures: string[] = [];
  for (const { name, find } of sources) {
    try {
      return await find();
    } catch (error) {
      failures.push(`- ${name}: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  throw new Error(
    `These tests need ${tool}, and no source provided it:\n${failures.join('\n')}\n${advice}`,
  );
}
