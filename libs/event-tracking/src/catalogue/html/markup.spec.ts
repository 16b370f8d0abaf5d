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

/** What a reader sees of markup. */
const seen = (markup: string) =>
  markup
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/&(amp|lt|gt|quot|#39);/g, (entity) => UNESCAPED[entity]!);

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('<', '>', '&', '"', "'", '/', 'script', '&lt;', '`', ' ') }),
);

describe('Markup', () => {
  it('shows text as it is written, whatever it is, in elements and attributes', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const { text: markup } = html`<p title="${text}">${[text, [text]]}</p>`;
        expect(seen(markup)).toBe(text + text);
        expect(markup.match(/[<>"']/g)).toHaveLength(6);
      }),
    );
  });

  it('shows nothing of what is not there, and zero', () => {
    expect(html`<p>${undefined}${false}${0}</p>`.text).toBe('<p>0</p>');
  });

  it('shows JSON as it is, in colours', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(seen(jsonBlock(value, 'It').text))).toEqual(
          JSON.parse(JSON.stringify(value)),
        );
      }),
    );
  });

  it('shows descriptions with their paragraphs, and code between backticks', () => {
    const { text } = html`${prose('One `a<b`.\n\nTwo.', 'x')}`;
    expect(text).toBe('<p class="x">One <code>a&lt;b</code>.</p><p class="x">Two.</p>');
  });
});
