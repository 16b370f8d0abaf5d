import { css } from './css.js';

/** The index. */
export const INDEX_PAGE = css`
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
`;
