import { html, type Markup } from './markup.js';

/** Matches a JSON token, or the text between two tokens. */
const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|(-?\d[\d.eE+-]*)|(true|false|null)|[^"\d\-tfn]+|./gs;

/** Renders a value as JSON with syntax colours. */
export function jsonBlock(value: unknown, label: string): Markup {
  const text = JSON.stringify(value, undefined, 2);
  const tokens = Array.from(text.matchAll(TOKEN), ([token, string, colon, number, word]) => {
    if (colon !== undefined) return html`<span class="key">${string}</span>${colon}`;
    if (string !== undefined) return html`<span class="string">${string}</span>`;
    if (number !== undefined) return html`<span class="number">${number}</span>`;
    if (word !== undefined) return html`<span class="word">${word}</span>`;
    return token;
  });
  return html`<pre
    class="json"
    tabindex="0"
    role="region"
    aria-label="${label}"
  ><code>${tokens}</code></pre>`;
}

export function inlineValue(value: unknown): Markup {
  return html`<code class="value">${JSON.stringify(value) ?? ''}</code>`;
}
