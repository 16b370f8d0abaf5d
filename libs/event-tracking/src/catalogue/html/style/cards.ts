import { css } from './css.js';

/** Lists of contexts and events, and blocks of JSON. */
export const CARDS = css`
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
`;
