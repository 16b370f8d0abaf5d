import { isConsistent, type Comparison, type LocatedName } from './comparison.js';
import type { CodeLocation } from './findings.js';

/**
 * Formats a comparison for people.
 *
 * @param catalogue - describes the catalogue in the summary
 */
export function formatReport(comparison: Comparison, catalogue: string): string {
  const { emitted, notInCatalogue, neverEmitted, dynamic, untyped } = comparison;
  const locations = new Set(emitted.flatMap((each) => each.places.map(locationText)));
  const sections = [
    section(
      `Emitted, but not in the catalogue. Describe the event type or correct the name:`,
      notInCatalogue.flatMap(nameLines),
    ),
    section(
      `In the catalogue, but never emitted${dynamic.length > 0 ? ', unless under a dynamic name' : ''}:`,
      neverEmitted.flatMap(nameLines),
    ),
    section(
      `Dynamic: the name is known only at run time. Use a literal, a constant or a union of literals:`,
      dynamic.map((each) => `  ${locationText(each)}  ${each.code}`),
    ),
    section(
      `Skipped: calls of emit on values of type any. Declare the type if the value is a tracker:`,
      untyped.map((place) => `  ${locationText(place)}`),
    ),
  ];
  const summary = `${count(emitted.length, 'name')} emitted at ${count(locations.size, 'place')}`;
  const differences =
    `${notInCatalogue.length} not in the catalogue, ${neverEmitted.length} never emitted, ` +
    `${count(dynamic.length, 'dynamic call')}`;
  return [
    ...sections.filter((each) => each !== ''),
    isConsistent(comparison)
      ? `${summary}. They match the catalogue, ${catalogue}.`
      : `${summary}. Compared with the catalogue, ${catalogue}: ${differences}.`,
  ].join('\n\n');
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [title, ...lines].join('\n');
}

function nameLines({ name, places }: LocatedName): string[] {
  return [`  ${name}`, ...places.map((place) => `    ${locationText(place)}`)];
}

/** Formats a location as a link that editors and terminals recognise. */
function locationText({ file, line, column }: CodeLocation): string {
  return `${file}:${line}:${column}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
