import { css } from './css.js';

/** The history of a type. */
export const VERSIONS = css`
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
`;
