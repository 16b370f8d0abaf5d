import type { Catalogue } from '../catalogue.js';
import { fileNameOf } from '../file-name.js';
import { indexPage, type DataFile } from './index-page.js';
import { SCRIPT } from './script.js';
import { searchIndex } from './search-index.js';
import { STYLE_SHEET } from './style-sheet.js';
import { typePage } from './type-page.js';

/** How pages are made. */
export interface HtmlOptions {
  /**
   * Files beside the pages that the index leads to.
   *
   * @default none
   */
  files?: readonly DataFile[];
}

/**
 * A catalogue as a static site: its files by path, `index.html` first.
 *
 * @remarks
 * Needs no server and loads nothing from elsewhere; reading needs no script, the search does. All text is escaped.
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
