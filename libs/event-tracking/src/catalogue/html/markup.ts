/** Safe markup. Only {@link html} creates it. */
export class Markup {
  constructor(readonly text: string) {}
}

/** A value that can be inserted into markup. Undefined and false render nothing. */
export type Content = Markup | string | number | undefined | false | readonly Content[];

/** Creates markup from a template. Escapes all inserted values except markup. */
export function html(strings: TemplateStringsArray, ...values: Content[]): Markup {
  return new Markup(
    strings
      .map((text, index) => (index === 0 ? text : `${write(values[index - 1])}${text}`))
      .join(''),
  );
}

export function joined(parts: readonly Content[], separator: Content): Content {
  return parts.map((part, index) => (index === 0 ? part : [separator, part]));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function write(value: Content): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map(write).join('');
  return String(value).replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);
}
