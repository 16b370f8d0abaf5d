/** A run of text, or of code between backticks. */
export interface ProseRun {
  readonly isCode: boolean;
  readonly text: string;
}

/** Splits a description into paragraphs at empty lines. */
export function paragraphsOf(text: string): ProseRun[][] {
  return text
    .trim()
    .split(/\n\s*\n/)
    .filter((paragraph) => paragraph !== '')
    .map(runsOf);
}

export function firstSentenceOf(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, ' ');
  return /^.*?[.!?](?= [^a-z]|$)/.exec(line)?.[0] ?? line;
}

/** Splits a paragraph into text and code. */
export function runsOf(text: string): ProseRun[] {
  return text
    .replaceAll(/\s+/g, ' ')
    .split(/(`[^`]+`)/)
    .filter((run) => run !== '')
    .map((run) =>
      /^`[^`]+`$/.test(run)
        ? { isCode: true, text: run.slice(1, -1) }
        : { isCode: false, text: run },
    );
}
