import { BASE } from './base.js';
import { CARDS } from './cards.js';
import { FIELDS } from './fields.js';
import { INDEX_PAGE } from './index-page.js';
import { NARROW } from './narrow.js';
import { PRINT } from './print.js';
import { TOP_BAR } from './top-bar.js';
import { TYPE_PAGE } from './type-page.js';
import { VERSIONS } from './versions.js';

/** The look of the pages: for screens of any width, light and dark, and for paper. */
export const STYLE = [
  BASE,
  TOP_BAR,
  INDEX_PAGE,
  TYPE_PAGE,
  FIELDS,
  CARDS,
  VERSIONS,
  NARROW,
  PRINT,
].join('');
