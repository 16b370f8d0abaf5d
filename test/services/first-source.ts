/** A way of coming by something; rejects with the reason where it is none here. */
export interface Source<T> {
  name: string;
  find(): Promise<T>;
}

/**
 * What the first source has that has it.
 *
 * @param what - is needed, with its article
 * @param advice - what somebody can do who has none of it
 */
export async function firstOf<T>(
  sources: readonly Source<T>[],
  { what, advice }: { what: string; advice: string },
): Promise<T> {
  const refusals: string[] = [];
  for (const { name, find } of sources) {
    try {
      return await find();
    } catch (error) {
      refusals.push(`- ${name}: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  throw new Error(
    `These tests need ${what}, and none could be had:\n${refusals.join('\n')}\n${advice}`,
  );
}
