import { firstSentenceOf, paragraphsOf, runsOf, type ProseRun } from '../prose.js';
import { html, joined, type Content, type Markup } from './markup.js';

/** The paragraphs of a description. */
export function prose(text: string, className: string): Content {
  const paragraphs = paragraphsOf(text);
  if (paragraphs.length === 0) return html`<p class="${className} none">No description.</p>`;
  return paragraphs.map((runs) => html`<p class="${className}">${runs.map(run)}</p>`);
}

/** A description in a line. */
export function line(text: string): Content {
  return runsOf(text.trim()).map(run);
}

/** What a description begins with, in a line. */
export function summary(text: string): Content {
  return text.trim() === ''
    ? html`<span class="none">No description.</span>`
    : line(firstSentenceOf(text));
}

/** A name, its namespace set back; it may break after each part. */
export function dottedName(name: string): Markup {
  const parts = name.split('.');
  const last = parts.pop();
  const namespace = joined(
    [...parts.map((part) => html`<span class="namespace">${part}.</span>`), last],
    html`<wbr />`,
  );
  return html`<span class="name">${namespace}</span>`;
}

/** A day, with its time for who wants to know. */
export function day(date: Date): Markup {
  const iso = date.toISOString();
  return html`<time datetime="${iso}" title="${iso}">${DAY.format(date)}</time>`;
}

/** How many there are of something. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

const DAY = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' });

function run({ isCode, text }: ProseRun): Content {
  return isCode ? html`<code>${text}</code>` : text;
}
