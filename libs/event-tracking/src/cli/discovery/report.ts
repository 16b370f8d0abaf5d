import { isAllWell, type Comparison, type NameAtPlaces } from './comparison.js';
import type { Place } from './findings.js';

/**
 * A comparison in words.
 *
 * @param catalogue - what the code was compared with
 */
export function reportOf(comparison: Comparison, catalogue: string): string {
  const { emitted, notInCatalogue, neverEmitted, dynamic, untyped } = comparison;
  const places = new Set(emitted.flatMap((each) => each.places.map(placeText)));
  const sections = [
    section(
      `Emitted, and not in the catalogue. Describe them, or mend the name:`,
      notInCatalogue.flatMap(nameLines),
    ),
    section(
      `In the catalogue, and emitted nowhere${dynamic.length > 0 ? ', unless a dynamic name is one of them' : ''}:`,
      neverEmitted.flatMap(nameLines),
    ),
    section(
      `Dynamic: what the name is, only the running code knows. Make it a literal, a constant or a union of literals:`,
      dynamic.map((each) => `  ${placeText(each)}  ${each.code}`),
    ),
    section(
      `Not looked at: a method emit of what has no type (any). If that is a tracker, say so by its type:`,
      untyped.map((place) => `  ${placeText(place)}`),
    ),
  ];
  const summary = `${count(emitted.length, 'name')} emitted at ${count(places.size, 'place')}`;
  const differences =
    `${notInCatalogue.length} not in the catalogue, ${neverEmitted.length} emitted nowhere, ` +
    `${count(dynamic.length, 'dynamic place')}`;
  return [
    ...sections.filter((each) => each !== ''),
    isAllWell(comparison)
      ? `${summary}: just what is in the catalogue, ${catalogue}.`
      : `${summary}. Compared with the catalogue, ${catalogue}: ${differences}.`,
  ].join('\n\n');
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [title, ...lines].join('\n');
}

function nameLines({ name, places }: NameAtPlaces): string[] {
  return [`  ${name}`, ...places.map((place) => `    ${placeText(place)}`)];
}

/** As editors and terminals recognise it. */
function placeText({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
