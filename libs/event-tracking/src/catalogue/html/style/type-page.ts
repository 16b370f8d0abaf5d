import { css } from './css.js';

/** The page of a type. */
export const TYPE_PAGE = css`
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
`;
