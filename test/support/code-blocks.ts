/** A fenced block of a Markdown file. */
export interface CodeBlock {
  readonly language: string;
  readonly code: string;
  /** The line of its fence. */
  readonly line: number;
  /** The file name in its first line, `// src/main.ts`, if the block is a whole file. */
  readonly file: string | undefined;
}

const FENCED = /^```(\w*)\n(.*?)^```$/gms;

/** Finds the fenced blocks of a Markdown file. */
export function codeBlocks(markdown: string): CodeBlock[] {
  return [...markdown.matchAll(FENCED)].map(({ 1: language = '', 2: code = '', index }) => ({
    language,
    code,
    line: markdown.slice(0, index).split('\n').length,
    file: /^\/\/ ([\w/.-]+\.ts)\n/.exec(code)?.[1],
  }));
}
