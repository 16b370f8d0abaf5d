import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

const inColour = process.stdout.isTTY === true && !process.env['NO_COLOR'];

/** Styles a text if the output is a terminal and NO_COLOR is not set. */
export function paint(style: Style, text: string): string {
  return inColour ? styleText(style, text) : text;
}
