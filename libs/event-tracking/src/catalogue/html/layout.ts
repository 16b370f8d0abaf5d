import { html, type Content, type Markup } from './markup.js';

export interface Page {
  /** The title of the page, which precedes that of the catalogue. */
  title?: string;
  catalogueTitle: string;
  /** The relative path to the index: empty, or `../`. */
  root: string;
  /** A sentence about the page, for search engines and previews. */
  description: string;
  main: Content;
  footer?: Content;
}

/** Renders a page in the common frame: a skip link, a link to the index, and the search. */
export function layout({ title, catalogueTitle, root, description, main, footer }: Page): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title === undefined ? catalogueTitle : `${title} · ${catalogueTitle}`}</title>
        <meta name="description" content="${description}" />
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="${root}assets/catalogue.css" />
        <script defer src="${root}assets/search-index.js"></script>
        <script defer src="${root}assets/catalogue.js"></script>
      </head>
      <body data-root="${root}">
        <a class="skip" href="#content">Skip to the content</a>
        <header class="top">
          <a class="home" href="${root}index.html"
            ><span class="mark" aria-hidden="true"></span>${catalogueTitle}</a
          >
          ${searchBox()}
        </header>
        <main id="content" tabindex="-1">${main}</main>
        ${footer !== undefined && html`<footer>${footer}</footer>`}
      </body>
    </html> `.text;
}

/** Hidden until the script has started. */
function searchBox(): Markup {
  return html`<search class="search" hidden>
    <label class="unseen" for="search">Search events, contexts, fields and ids</label>
    <input
      id="search"
      type="search"
      role="combobox"
      placeholder="Search events, fields, ids"
      autocomplete="off"
      autocapitalize="off"
      spellcheck="false"
      aria-autocomplete="list"
      aria-expanded="false"
      aria-controls="results"
      aria-keyshortcuts="/"
    />
    <kbd aria-hidden="true">/</kbd>
    <div class="results" hidden>
      <ul id="results" role="listbox" aria-label="Results"></ul>
    </div>
    <p class="unseen" role="status"></p>
  </search>`;
}
