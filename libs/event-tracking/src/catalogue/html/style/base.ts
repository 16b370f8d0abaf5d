import { css } from './css.js';

/** Colours, letters, and what all pages are made of. */
export const BASE = css`
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
`;
