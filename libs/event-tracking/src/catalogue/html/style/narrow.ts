import { css } from './css.js';

/** Narrow pages: what was beside is below, and tables are lists. */
export const NARROW = css`
  @media (max-width: 62rem) {
    .type {
      display: block;
    }

    aside {
      position: static;
      margin-top: 3.25rem;
    }

    aside nav {
      display: none;
    }

    .index section {
      display: block;
    }

    .index h2 {
      margin-bottom: 0.75rem;
    }
  }

  @media (max-width: 44rem) {
    .top {
      position: static;
      flex-wrap: wrap;
      padding-block: 0.8rem;
    }

    .search {
      flex: 1 0 100%;
    }

    .results {
      right: 0;
      left: 0;
      width: auto;
    }

    html {
      scroll-padding-top: 1rem;
    }

    .hero {
      padding-top: 2.5rem;
    }

    .types li {
      display: block;
    }

    .types .notes {
      text-align: left;
    }

    .fields thead {
      display: none;
    }

    .fields,
    .fields tbody,
    .fields tr,
    .fields :is(th, td) {
      display: block;
    }

    .fields tr {
      padding: 0.85rem 0;
      border-top: 1px solid var(--rule);
    }

    .fields :is(th, td) {
      padding: 0.1rem 0;
      border: 0;
    }

    .fields td:last-child {
      width: auto;
    }

    .fields .optional {
      display: inline;
    }

    .fields .optional::before {
      content: '· ';
    }

    .fields td:last-child:has(.none) {
      display: none;
    }

    .fields td:last-child::before {
      color: var(--muted);
      content: 'Example: ';
      font-size: 0.8125rem;
    }
  }

  @media (hover: none) {
    .search kbd {
      display: none;
    }
  }

  @media (prefers-reduced-motion: no-preference) {
    html {
      scroll-behavior: smooth;
    }
  }
`;
