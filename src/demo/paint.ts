import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

const inColour = process.stdout.isTTY === true && !process.env['NO_COLOR'];

/** Colours a text for a terminal that wants colours. */
export function paint(style: Style, text: string): string {
  return inColour ? styleText(style, text) : text;
}
