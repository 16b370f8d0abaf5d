/* oxlint-disable max-lines */
// Generated from style/*.css by scripts/embed-styles.mjs: edit those files, then run the build.
const css = String.raw;

/** The look of the pages: on screens of any width, light and dark, and on paper. */
export const STYLE_SHEET = css`
  :root {
    color-scheme: light dark;
    --paper: #fdfcfa;
    --raised: #ffffff;
    --ink: #1d1c1a;
    --muted: #625e57;
    --rule: #e5e1d9;
    --rule-strong: #c9c4ba;
    --accent: #0a5c63;
    --accent-soft: #e2efef;
    --code: #f5f2ec;
    --key: #0a5c63;
    --string: #7d4204;
    --number: #6b2d92;
    --word: #a11d33;
    --good: #1f6b3a;
    --bad: #a11d33;
    --bad-soft: #fbe9e8;
    --warn: #7d4204;
    --warn-soft: #faeeda;
    --shadow: 0 1px 2px rgb(60 50 30 / 8%), 0 12px 32px rgb(60 50 30 / 14%);
    --serif: Charter, 'Bitstream Charter', 'Iowan Old Style', 'Source Serif 4', Georgia, serif;
    --sans:
      system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans',
      'Liberation Sans', Arial, sans-serif;
    --mono:
      ui-monospace, 'SF Mono', 'Cascadia Code', 'JetBrains Mono', Menlo, Consolas,
      'DejaVu Sans Mono', monospace;
  }

  @media (prefers-color-scheme: dark) {
    :root {
      --paper: #15171a;
      --raised: #1c1f23;
      --ink: #e9e7e2;
      --muted: #a8a59d;
      --rule: #2c3035;
      --rule-strong: #464b52;
      --accent: #83d0cd;
      --accent-soft: #1b3336;
      --code: #1d2024;
      --key: #83d0cd;
      --string: #e3b57c;
      --number: #cda6ec;
      --word: #f29aa5;
      --good: #86d39d;
      --bad: #f29aa5;
      --bad-soft: #3a2025;
      --warn: #e3b57c;
      --warn-soft: #352a1b;
      --shadow: 0 1px 2px rgb(0 0 0 / 40%), 0 16px 40px rgb(0 0 0 / 50%);
    }
  }

  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }

  html {
    scroll-padding-top: 5rem;
    -webkit-text-size-adjust: 100%;
    text-size-adjust: 100%;
  }

  body {
    margin: 0;
    background: var(--paper);
    color: var(--ink);
    font: 1rem/1.55 var(--sans);
    font-variant-numeric: tabular-nums;
    overflow-wrap: break-word;
  }

  h1,
  h2,
  h3,
  p,
  ul,
  ol,
  dl,
  dd,
  pre {
    margin: 0;
    padding: 0;
  }

  ul,
  ol {
    list-style: none;
  }

  a {
    color: var(--accent);
    text-decoration-color: color-mix(in srgb, currentcolor 35%, transparent);
    text-underline-offset: 0.2em;
  }

  a:hover {
    text-decoration-color: currentcolor;
  }

  :focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 3px;
    border-radius: 3px;
  }

  main:focus {
    outline: none;
  }

  code,
  pre,
  .name {
    font-family: var(--mono);
    font-variant-ligatures: none;
  }

  code {
    font-size: 0.875em;
  }

  .name {
    overflow-wrap: anywhere;
  }

  .namespace,
  .none,
  .muted {
    color: var(--muted);
  }

  .none {
    font-style: italic;
  }

  .id {
    color: var(--muted);
    font-family: var(--mono);
    font-size: 0.75rem;
    overflow-wrap: anywhere;
  }

  .badge {
    display: inline-block;
    padding: 0 0.55em;
    border-radius: 1em;
    background: var(--accent-soft);
    color: var(--accent);
    font: 600 0.75rem/1.6 var(--sans);
    letter-spacing: 0.01em;
    text-transform: none;
    vertical-align: 0.1em;
  }

  .badge.breaking {
    background: var(--bad-soft);
    color: var(--bad);
  }

  .badge.retired {
    background: var(--warn-soft);
    color: var(--warn);
  }

  .unseen {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }

  .skip {
    position: fixed;
    z-index: 20;
    top: 0.5rem;
    left: 0.5rem;
    padding: 0.6rem 1rem;
    border-radius: 0.4rem;
    background: var(--accent);
    color: var(--paper);
    font-weight: 600;
  }

  .skip:not(:focus) {
    transform: translateY(-200%);
  }

  .top {
    position: sticky;
    z-index: 10;
    top: 0;
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: 1rem 1.5rem;
    padding: 0.7rem max(1.5rem, (100vw - 72rem) / 2);
    border-bottom: 1px solid var(--rule);
    background: color-mix(in srgb, var(--paper) 92%, transparent);
    backdrop-filter: blur(10px);
  }

  .home {
    display: inline-flex;
    align-items: center;
    gap: 0.65rem;
    color: var(--ink);
    font-weight: 650;
    line-height: 1.3;
    text-decoration: none;
  }

  .home:hover {
    color: var(--accent);
  }

  .mark {
    flex: none;
    width: 0.95rem;
    height: 0.95rem;
    border: 3px solid var(--accent);
    border-right-color: transparent;
    border-radius: 50%;
  }

  .search {
    position: relative;
    flex: 0 1 25rem;
  }

  .search[hidden] {
    display: none;
  }

  .search input {
    width: 100%;
    padding: 0.5rem 2.4rem 0.5rem 0.9rem;
    border: 1px solid var(--rule-strong);
    border-radius: 0.5rem;
    background: var(--raised);
    color: var(--ink);
    font: inherit;
    font-size: 0.9375rem;
  }

  .search input::placeholder {
    color: var(--muted);
    opacity: 1;
  }

  .search input:focus-visible {
    border-color: var(--accent);
    outline-offset: 1px;
  }

  .search input::-webkit-search-cancel-button {
    display: none;
  }

  .search kbd {
    position: absolute;
    top: 0.55rem;
    right: 0.6rem;
    padding: 0 0.45rem;
    border: 1px solid var(--rule-strong);
    border-radius: 0.3rem;
    color: var(--muted);
    font: 0.75rem/1.5rem var(--mono);
    pointer-events: none;
  }

  .search input:focus + kbd {
    visibility: hidden;
  }

  .results {
    position: absolute;
    top: calc(100% + 0.5rem);
    right: 0;
    width: max(100%, min(34rem, 100vw - 3rem));
    max-height: min(30rem, 100vh - 6rem);
    overflow: auto;
    padding: 0.4rem;
    border: 1px solid var(--rule-strong);
    border-radius: 0.7rem;
    background: var(--raised);
    box-shadow: var(--shadow);
  }

  .results [role='option'] {
    display: grid;
    gap: 0.1rem;
    padding: 0.5rem 0.7rem;
    border-radius: 0.45rem;
    cursor: pointer;
  }

  .results [role='option']:hover,
  .results [aria-selected='true'] {
    background: var(--accent-soft);
  }

  .results .head {
    display: flex;
    align-items: baseline;
    justify-content: space-between;
    gap: 1rem;
  }

  .results .name {
    font-size: 0.875rem;
    font-weight: 600;
  }

  .results .kind,
  .results .summary,
  .results .more {
    color: var(--muted);
    font-size: 0.8125rem;
  }

  .results .summary {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }

  .results .more {
    padding: 0.5rem 0.7rem;
  }

  main,
  footer {
    padding: 0 max(1.5rem, (100vw - 72rem) / 2);
  }

  footer {
    margin-top: 5rem;
    padding-block: 1.5rem 3rem;
    color: var(--muted);
    font-size: 0.875rem;
  }

  footer p {
    padding-top: 1.5rem;
    border-top: 1px solid var(--rule);
  }

  .hero {
    padding: 4.5rem 0 1rem;
  }

  .hero h1 {
    font: 600 clamp(2rem, 5vw, 3rem) / 1.12 var(--serif);
    letter-spacing: -0.018em;
    text-wrap: balance;
  }

  .lead {
    max-width: 42rem;
    color: var(--ink);
    font: 1.1875rem/1.55 var(--serif);
    text-wrap: pretty;
  }

  .lead + .lead {
    margin-top: 0.8rem;
  }

  .hero .lead {
    margin-top: 1rem;
    color: var(--muted);
  }

  .chips {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem;
    margin-top: 1.75rem;
  }

  .chips a {
    display: inline-flex;
    gap: 0.5rem;
    padding: 0.25rem 0.8rem;
    border: 1px solid var(--rule-strong);
    border-radius: 2rem;
    color: var(--ink);
    font: 0.875rem/1.6 var(--mono);
    overflow-wrap: anywhere;
    text-decoration: none;
  }

  .chips a:hover {
    border-color: var(--accent);
    color: var(--accent);
  }

  .chips span {
    color: var(--muted);
  }

  .index section {
    display: grid;
    grid-template-columns: 11rem minmax(0, 1fr);
    gap: 0 2rem;
    margin-top: 2rem;
    padding-top: 1.1rem;
    border-top: 2px solid var(--ink);
  }

  .index h2 {
    font: 600 1.0625rem/1.5 var(--sans);
    overflow-wrap: anywhere;
  }

  .types li {
    position: relative;
    display: grid;
    grid-template-columns: minmax(0, 17rem) minmax(0, 1fr) 9.5rem;
    gap: 0.1rem 1.5rem;
    align-items: baseline;
    padding: 0.85rem 0;
    border-bottom: 1px solid var(--rule);
  }

  .types li:first-child {
    padding-top: 0.1rem;
  }

  .types li:last-child {
    border-bottom: 0;
  }

  .types a {
    font-size: 0.9375rem;
    font-weight: 600;
    text-decoration: none;
  }

  .types a:hover {
    text-decoration: underline;
  }

  /* The whole row leads to the page. */
  .types a::after {
    position: absolute;
    inset: 0;
    content: '';
  }

  .types a .namespace {
    font-weight: 400;
  }

  .types .notes {
    color: var(--muted);
    font-size: 0.8125rem;
    text-align: right;
  }

  .type {
    display: grid;
    grid-template-columns: minmax(0, 1fr) 15rem;
    gap: 0 4rem;
    align-items: start;
  }

  .type article {
    padding-top: 2.25rem;
  }

  .trail ol {
    display: flex;
    flex-wrap: wrap;
    color: var(--muted);
    font-size: 0.875rem;
  }

  .trail li + li::before {
    margin: 0 0.6rem;
    color: var(--rule-strong);
    content: '/';
  }

  .trail a {
    color: inherit;
    text-decoration: none;
  }

  .trail a:hover {
    color: var(--accent);
    text-decoration: underline;
  }

  .kicker {
    margin-top: 2.5rem;
    color: var(--accent);
    font-size: 0.8125rem;
    font-weight: 650;
    letter-spacing: 0.08em;
    text-transform: uppercase;
  }

  .type h1 {
    margin: 0.35rem 0 1rem;
    font: 600 clamp(1.4rem, 3.6vw, 2.125rem) / 1.25 var(--mono);
    letter-spacing: -0.025em;
  }

  .type h1 .namespace {
    font-weight: 400;
  }

  .note {
    margin-top: 1rem;
    padding: 0.6rem 0.9rem;
    border-radius: 0.4rem;
    background: var(--warn-soft);
    color: var(--warn);
  }

  .type section {
    margin-top: 3.25rem;
  }

  .type section > h2 {
    margin-bottom: 1rem;
    font: 600 1.375rem/1.3 var(--serif);
    letter-spacing: -0.01em;
  }

  .type h3 {
    margin: 1.75rem 0 0.35rem;
    font-size: 1rem;
    font-weight: 650;
  }

  aside {
    position: sticky;
    top: 5.5rem;
    margin-top: 5rem;
    font-size: 0.875rem;
  }

  .facts > div {
    padding: 0.65rem 0;
    border-top: 1px solid var(--rule);
  }

  .facts dt,
  aside h2 {
    color: var(--muted);
    font-size: 0.8125rem;
    font-weight: 400;
    line-height: 1.5;
  }

  .facts dd .id {
    color: var(--ink);
    font-size: 0.8125rem;
  }

  .place {
    overflow-wrap: anywhere;
  }

  aside nav {
    padding: 0.65rem 0;
    border-block: 1px solid var(--rule);
  }

  aside nav li {
    padding: 0.12rem 0;
  }

  aside nav a {
    color: var(--ink);
    text-decoration: none;
  }

  aside nav a:hover {
    color: var(--accent);
    text-decoration: underline;
  }

  .fields {
    width: 100%;
    border-collapse: collapse;
    font-size: 0.9375rem;
  }

  .fields :is(th, td) {
    padding: 0.7rem 1rem 0.7rem 0;
    border-bottom: 1px solid var(--rule);
    font-weight: 400;
    text-align: left;
    vertical-align: top;
  }

  .fields :is(th, td):last-child {
    padding-right: 0;
  }

  .fields thead th {
    padding-top: 0;
    padding-bottom: 0.4rem;
    border-bottom-color: var(--rule-strong);
    color: var(--muted);
    font-size: 0.8125rem;
  }

  .fields .field {
    font-weight: 600;
    overflow-wrap: anywhere;
  }

  .fields .id {
    display: block;
    font-size: 0.6875rem;
    white-space: nowrap;
  }

  .fields td:nth-child(2) {
    white-space: nowrap;
  }

  .fields td:nth-child(3) {
    overflow-wrap: anywhere;
  }

  .fields td:last-child {
    width: 30%;
  }

  .fields .type {
    display: inline;
    color: var(--key);
    font: 0.8125rem var(--mono);
  }

  .fields .optional {
    display: block;
    color: var(--muted);
    font-size: 0.8125rem;
  }

  .fields tr:target {
    background: var(--accent-soft);
  }

  .value {
    overflow-wrap: anywhere;
  }

  .cards {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr));
    gap: 1rem;
  }

  .cards li {
    position: relative;
    padding: 0.95rem 1.1rem;
    border: 1px solid var(--rule);
    border-radius: 0.6rem;
    background: var(--raised);
  }

  .cards li:has(a):hover {
    border-color: var(--accent);
  }

  .cards .name {
    font-size: 0.9375rem;
    font-weight: 600;
  }

  .cards .namespace {
    font-weight: 400;
  }

  .cards a {
    text-decoration: none;
  }

  .cards a::after {
    position: absolute;
    inset: 0;
    border-radius: inherit;
    content: '';
  }

  .cards p {
    margin-top: 0.25rem;
    font-size: 0.9375rem;
  }

  .cards .keys {
    margin-top: 0.5rem;
    color: var(--muted);
    font-size: 0.875rem;
    line-height: 1.6;
  }

  .cards .keys code {
    margin-right: 0.5em;
  }

  .combinations {
    margin-top: 0.75rem;
  }

  .combinations li {
    display: flex;
    flex-wrap: wrap;
    gap: 0 1.25rem;
    align-items: baseline;
    padding: 0.45rem 0;
    border-top: 1px solid var(--rule);
    font: 0.875rem/1.6 var(--mono);
  }

  .json {
    overflow: auto;
    padding: 1.1rem 1.25rem;
    border-radius: 0.6rem;
    background: var(--code);
    font-size: 0.9375rem;
    line-height: 1.6;
    tab-size: 2;
  }

  .json .key {
    color: var(--key);
  }

  .json .string {
    color: var(--string);
  }

  .json .number {
    color: var(--number);
  }

  .json .word {
    color: var(--word);
  }

  summary {
    width: fit-content;
    color: var(--accent);
    cursor: pointer;
  }

  details[open] > summary {
    margin-bottom: 0.9rem;
  }

  .versions > li {
    position: relative;
    padding: 0 0 1.75rem 1.75rem;
  }

  .versions > li::before {
    position: absolute;
    top: 0.5rem;
    left: 0;
    width: 0.7rem;
    height: 0.7rem;
    border: 2px solid var(--rule-strong);
    border-radius: 50%;
    background: var(--paper);
    content: '';
  }

  .versions > li:first-child::before {
    border-color: var(--accent);
    background: var(--accent);
  }

  .versions > li:not(:last-child)::after {
    position: absolute;
    top: 1.35rem;
    bottom: -0.35rem;
    left: calc(0.35rem - 1px);
    width: 2px;
    background: var(--rule);
    content: '';
  }

  .versions > li:last-child {
    padding-bottom: 0;
  }

  .versions > li:target > .head {
    background: var(--accent-soft);
    box-shadow: 0 0 0 0.3rem var(--accent-soft);
  }

  .versions .head time {
    font-weight: 600;
  }

  .versions .head .id {
    margin-inline: 0.5rem;
  }

  .versions details {
    margin-top: 0.6rem;
    font-size: 0.9375rem;
  }

  .versions details .text {
    max-width: 42rem;
    margin-bottom: 1rem;
  }

  .changes {
    margin-top: 0.4rem;
  }

  .changes li {
    display: grid;
    grid-template-columns: 1.25rem minmax(0, 1fr);
    padding: 0.12rem 0;
  }

  .sign {
    font: 600 1rem/1.55 var(--mono);
  }

  .sign.added::before {
    color: var(--good);
    content: '+';
  }

  .sign.removed::before {
    color: var(--bad);
    content: '−';
  }

  .sign.changed::before {
    color: var(--muted);
    content: '~';
  }

  del,
  ins {
    text-decoration: none;
  }

  del {
    color: var(--muted);
    text-decoration: line-through;
    text-decoration-color: color-mix(in srgb, currentcolor 60%, transparent);
  }

  .arrow {
    color: var(--muted);
  }

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
