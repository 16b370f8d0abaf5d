import { css } from './css.js';

/** The bar above all pages, with the search. */
export const TOP_BAR = css`
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
`;
