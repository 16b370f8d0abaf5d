import { css } from './css.js';

/** The table of fields. */
export const FIELDS = css`
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
`;
