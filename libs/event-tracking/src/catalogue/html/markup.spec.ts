import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonBlock } from './code.js';
import { html } from './markup.js';
import { prose } from './parts.js';

const UNESCAPED: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
};

/** The visible text of markup. */
const seen = (markup: string) =>
  markup
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/&(amp|lt|gt|quot|#39);/g, (entity) => UNESCAPED[entity]!);

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('<', '>', '&', '"', "'", '/', 'script', '&lt;', '`', ' ') }),
);

describe('Markup', () => {
  it('escapes any text in elements and attributes', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const { text: markup } = html`<p title="${text}">${[text, [text]]}</p>`;
        expect(seen(markup)).toBe(text + text);
        expect(markup.match(/[<>"']/g)).toHaveLength(6);
      }),
    );
  });

  it('renders nothing for undefined and false, but renders zero', () => {
    expect(html`<p>${undefined}${false}${0}</p>`.text).toBe('<p>0</p>');
  });

  it('keeps JSON intact when it adds colours', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(seen(jsonBlock(value, 'It').text))).toEqual(
          JSON.parse(JSON.stringify(value)),
        );
      }),
    );
  });

  it('renders paragraphs, and code between backticks, in descriptions', () => {
    const { text } = html`${prose('One `a<b`.\n\nTwo.', 'x')}`;
    expect(text).toBe('<p class="x">One <code>a&lt;b</code>.</p><p class="x">Two.</p>');
  });
});
