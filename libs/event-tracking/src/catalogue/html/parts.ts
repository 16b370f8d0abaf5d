import { firstSentenceOf, paragraphsOf, runsOf, type ProseRun } from '../prose.js';
import { html, joined, type Content, type Markup } from './markup.js';

/** Renders the paragraphs of a description. */
export function prose(text: string, className: string): Content {
  const paragraphs = paragraphsOf(text);
  if (paragraphs.length === 0) return html`<p class="${className} none">No description.</p>`;
  return paragraphs.map((runs) => html`<p class="${className}">${runs.map(run)}</p>`);
}

/** Renders a description without paragraphs. */
export function inlineProse(text: string): Content {
  return runsOf(text.trim()).map(run);
}

/** Renders the first sentence of a description. */
export function summary(text: string): Content {
  return text.trim() === ''
    ? html`<span class="none">No description.</span>`
    : inlineProse(firstSentenceOf(text));
}

/** Renders a name with a muted namespace. It may wrap after each dot. */
export function dottedName(name: string): Markup {
  const parts = name.split('.');
  const last = parts.pop();
  const namespace = joined(
    [...parts.map((part) => html`<span class="namespace">${part}.</span>`), last],
    html`<wbr />`,
  );
  return html`<span class="name">${namespace}</span>`;
}

/** Renders a day, with the exact time as a tooltip. */
export function day(date: Date): Markup {
  const iso = date.toISOString();
  return html`<time datetime="${iso}" title="${iso}">${DAY.format(date)}</time>`;
}

/** Formats a number with its noun. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

const DAY = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' });

function run({ isCode, text }: ProseRun): Content {
  return isCode ? html`<code>${text}</code>` : text;
}
