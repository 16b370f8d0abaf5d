import { readFile, writeFile } from 'node:fs/promises';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';

const HTML = new URL('../src/catalogue/html/', import.meta.url);

/** The style sheets in the order of the cascade. */
const SHEETS = [
  'base',
  'top-bar',
  'index-page',
  'type-page',
  'fields',
  'cards',
  'versions',
  'narrow',
  'print',
];

/** The module that embeds the style sheets, so that the library reads no files even in a bundle. */
export const MODULE = new URL('style-sheet.ts', HTML);

/** Returns the text of {@link MODULE}, formatted as Prettier formats CSS in a template. */
export async function embedStyles() {
  const sheets = await Promise.all(
    SHEETS.map((name) => readFile(new URL(`style/${name}.css`, HTML), 'utf8')),
  );
  const css = sheets.join('\n');
  if (/[\\`]|\$\{/.test(css)) throw new Error('A style sheet must not hold \\, ` or ${.');
  return `/* oxlint-disable max-lines */
// Generated from style/*.css by scripts/embed-styles.mjs: edit those files, then run the build.
const css = String.raw;

/** The look of the pages: on screens of any width, light and dark, and on paper. */
export const STYLE_SHEET = css\`
${css.replaceAll(/^(?=.)/gm, '  ')}\`;
`;
}

if (argv[1] === fileURLToPath(import.meta.url)) await writeFile(MODULE, await embedStyles());
