import fc from 'fast-check';
import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { describe, expect, it } from 'vitest';
import { escapeMarkdown, inlineCode } from './escape-markdown.js';

const PIECES = [...'<>[]()*_`~|#&$!:.+-=\\\'"1a /', '1.', '**b**', '<b>', '[a](b)', '&amp;', '- '];

const anyText = fc.oneof(
  fc.string({ unit: 'grapheme-ascii' }),
  fc
    .array(fc.constantFrom(...PIECES, '```', '# ', 'www.example.org', 'https://a.example'))
    .map((parts) => parts.join('')),
);

/** Renders Markdown as GitHub does. */
function shown(markdown: string): string {
  return micromark(markdown, {
    allowDangerousHtml: true,
    extensions: [gfm()],
    htmlExtensions: [gfmHtml()],
  });
}

/** The visible text of HTML. */
function seen(html: string): string {
  return html
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .trim();
}

const oneLine = (text: string) => text.trim().replaceAll(/\s+/g, ' ');

describe('Escaped Markdown', () => {
  it('shows any text unchanged, on one line', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(seen(shown(escapeMarkdown(text)))).toBe(oneLine(text));
      }),
      { numRuns: 1_000 },
    );
  });

  it('keeps text and code within their cell of a table', () => {
    fc.assert(
      fc.property(anyText, anyText, (text, code) => {
        const row = `| x${escapeMarkdown(text)} | ${inlineCode(code)} | end |`;
        const table = shown(`| a | b | c |\n| - | - | - |\n${row}`);
        const cells = Array.from(table.matchAll(/<td>(.*?)<\/td>/gs), ([, cell]) => seen(cell!));
        expect(cells).toEqual([`x${oneLine(text)}`, oneLine(code), 'end']);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each(['a', 'a`b', '``', 'a|b', '\\', '<b>'])('shows inline code as code: %j', (code) => {
    const html = shown(inlineCode(code));
    expect(html).toMatch(/^<p><code>.*<\/code><\/p>$/);
    expect(seen(html)).toBe(code);
  });
});
