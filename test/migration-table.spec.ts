import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as root from 'nestjs-event-tracking';
import * as bullmq from 'nestjs-event-tracking/bullmq';
import * as mongo from 'nestjs-event-tracking/mongo';
import * as segment from 'nestjs-event-tracking/segment';
import { describe, expect, it } from 'vitest';
import { PYTHON_NAMES, PYTHON_NAMES_IN_PASSING } from './support/python-index.js';
import { ROOT } from './support/root.js';

const library = { ...root, ...mongo, ...segment, ...bullmq };
const page = readFileSync(join(ROOT, 'docs/guide/migrating-from-python.md'), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').slice(1, 3) as [string, string]);

describe('The migration guide', () => {
  it("has every name of the Python library's reference, each once, and no other", () => {
    const names = rows.flatMap(([python]) => quoted(python));
    expect(names.toSorted()).toEqual([...PYTHON_NAMES, ...PYTHON_NAMES_IN_PASSING].toSorted());
  });

  it('names a replacement for every name, or calls it planned', () => {
    for (const [python, ours] of rows) {
      expect(ours, python).toMatch(/`.+`|\bplanned\b/);
    }
  });

  it('mentions only classes that the package exports', () => {
    const classes = rows.flatMap(([, ours]) =>
      quoted(ours).flatMap((code) => /^@?([A-Z]\w*)/.exec(code)?.[1] ?? []),
    );
    expect(classes.length).toBeGreaterThan(10);
    expect(Object.keys(library)).toEqual(expect.arrayContaining(classes));
  });

  it('mentions only methods that the class has', () => {
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

  it('calls only names planned that do not exist', () => {
    const planned = rows
      .filter(([, ours]) => ours.trim().startsWith('planned'))
      .flatMap(([python]) => quoted(python).map((name) => name.split('.').at(-1)!));
    expect(planned.filter((name) => name in library)).toEqual(['emit']); // the emit function of JavaScript
  });
});

function quoted(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
}
