import { css } from './css.js';

/** On paper. */
export const PRINT = css`
  @media print {
    :root {
      --paper: #fff;
      --raised: #fff;
      --ink: #000;
      --muted: #444;
      --rule: #ccc;
      --rule-strong: #999;
      --accent: #000;
      --accent-soft: #eee;
      --code: #fff;
      --key: #000;
      --string: #333;
      --number: #333;
      --word: #333;
      --good: #000;
      --bad: #000;
      --bad-soft: #eee;
      --warn: #000;
      --warn-soft: #eee;
    }

    @page {
      margin: 18mm 16mm;
    }

    body {
      font-size: 10pt;
    }

    .top,
    .skip,
    .chips,
    footer,
    aside nav,
    section:has(> .schema),
    .versions summary {
      display: none;
    }

    main {
      padding: 0;
    }

    .hero,
    .type article {
      padding-top: 0;
    }

    .type {
      display: block;
    }

    aside {
      position: static;
      margin-top: 2rem;
    }

    .type section {
      margin-top: 1.75rem;
    }

    .kicker {
      margin-top: 1rem;
    }

    a {
      color: inherit;
      text-decoration: none;
    }

    h1,
    h2,
    h3,
    .versions .head {
      break-after: avoid;
    }

    .fields tr,
    .cards li,
    .types li,
    .changes li {
      break-inside: avoid;
    }

    .json {
      border: 1px solid var(--rule);
      font-size: 8pt;
      overflow-wrap: anywhere;
      white-space: pre-wrap;
    }
  }
`;
