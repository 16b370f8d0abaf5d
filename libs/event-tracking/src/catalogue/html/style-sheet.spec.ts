import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { embedStyles, MODULE } from '../../../scripts/embed-styles.mjs';
import { STYLE_SHEET } from './style-sheet.js';

const STYLE = new URL('style/', import.meta.url);

it('The embedded style sheet is up to date with the CSS files', async () => {
  expect(await readFile(MODULE, 'utf8')).toBe(await embedStyles());
});

it('The embedded style sheet contains every CSS file', async () => {
  for (const file of await readdir(STYLE)) {
    const css = await readFile(new URL(file, STYLE), 'utf8');
    expect(STYLE_SHEET, file).toContain(css.replaceAll(/^(?=.)/gm, '  '));
  }
});
