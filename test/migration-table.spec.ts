import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as root from 'nestjs-event-tracking';
import * as mongo from 'nestjs-event-tracking/mongo';
import * as segment from 'nestjs-event-tracking/segment';
import { describe, expect, it } from 'vitest';
import { PYTHON_NAMES, PYTHON_NAMES_IN_PASSING } from './support/python-index.js';
import { ROOT } from './support/root.js';

const library = { ...root, ...mongo, ...segment };
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const section = readme.split("\n## Coming from Python's event-tracking\n")[1]!.split('\n## ')[0]!;
const rows = section
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').slice(1, 3) as [string, string]);

describe("The README's migration table", () => {
  it("has every name of the Python library's reference, each once, and no other", () => {
    const names = rows.flatMap(([python]) => quoted(python));
    expect(names.toSorted()).toEqual([...PYTHON_NAMES, ...PYTHON_NAMES_IN_PASSING].toSorted());
  });

  it('says for every name what to use instead, or that it is planned', () => {
    for (const [python, ours] of rows) {
      expect(ours, python).toMatch(/`.+`|\bplanned\b/);
    }
  });

  it('sends nobody to a class that the package does not export', () => {
    const classes = rows.flatMap(([, ours]) =>
      quoted(ours).flatMap((code) => /^@?([A-Z]\w*)/.exec(code)?.[1] ?? []),
    );
    expect(classes.length).toBeGreaterThan(10);
    expect(Object.keys(library)).toEqual(expect.arrayContaining(classes));
  });

  it('sends nobody to a method that the class does not have', () => {
    const { RoutingBackend, Tracker } = library;
    const methods = rows.flatMap(([python, ours]) => {
      const owner = /\.(Tracker|RoutingBackend)\.\w+`/.exec(python)?.[1];
      const method = /^(?:tracker\.)?([a-z]\w*)/.exec(quoted(ours)[0] ?? '')?.[1];
      return owner === undefined || method === undefined ? [] : [{ owner, method }];
    });
    expect(methods.length).toBeGreaterThan(10);
    for (const { owner, method } of methods) {
      const type = owner === 'Tracker' ? Tracker : RoutingBackend;
      expect(method in type.prototype, `${owner}.${method}`).toBe(true);
    }
  });

  it('calls planned what is not there, and nothing else', () => {
    const planned = rows
      .filter(([, ours]) => ours.trim().startsWith('planned'))
      .flatMap(([python]) => quoted(python).map((name) => name.split('.').at(-1)!));
    expect(planned.filter((name) => name in library)).toEqual(['emit']); // the one of JavaScript
  });
});

function quoted(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
}
