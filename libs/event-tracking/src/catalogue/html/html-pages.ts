import type { Catalogue } from '../catalogue.js';
import { fileNameOf } from '../file-name.js';
import { indexPage, type DataFile } from './index-page.js';
import { SCRIPT } from './script.js';
import { searchIndex } from './search-index.js';
import { STYLE_SHEET } from './style-sheet.js';
import { typePage } from './type-page.js';

/** Options of {@link htmlPages}. */
export interface HtmlOptions {
  /**
   * Files for programs that the index links to.
   *
   * @default none
   */
  files?: readonly DataFile[];
}

/**
 * Renders a catalogue as a static site.
 *
 * @remarks
 * The pages need no server and load nothing from other sites. Only the search needs JavaScript. All
 * text is escaped.
 * @returns the files by path, `index.html` first
 */
export function htmlPages(
  catalogue: Catalogue,
  { files = [] }: HtmlOptions = {},
): Map<string, string> {
  const types = [...catalogue.events, ...catalogue.contexts];
  return new Map([
    ['index.html', indexPage(catalogue, files)],
    ...types.map((type): [string, string] => [
      `${type.kind}s/${fileNameOf(type.name)}.html`,
      typePage(type, catalogue),
    ]),
    ['assets/catalogue.css', STYLE_SHEET],
    ['assets/catalogue.js', SCRIPT],
    ['assets/search-index.js', searchIndex(catalogue)],
  ]);
}
