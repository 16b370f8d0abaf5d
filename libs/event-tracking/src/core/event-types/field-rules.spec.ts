import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FieldDescription } from './field.js';
import { FieldRules } from './field-rules.js';

const NAMES = ['a', 'b', 'c', 'toString', '__proto__'];
const SAMPLES = {
  string: 'x',
  number: 1.5,
  integer: 1,
  boolean: true,
  date: new Date(0),
  array: [],
  object: {},
};

const anyType = fc.constantFrom(...(Object.keys(SAMPLES) as (keyof typeof SAMPLES)[]));
const anyField = fc.record(
  { description: fc.constant(''), type: anyType, optional: fc.constant(true) },
  { requiredKeys: ['description'] },
) as fc.Arbitrary<FieldDescription>;

/** Generates objects with keys in any order, of which `__proto__` is an ordinary one. */
function anyRecordOf<T>(value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> {
  return fc
    .uniqueArray(fc.tuple(fc.constantFrom(...NAMES), value), { selector: ([name]) => name })
    .map((entries) => Object.fromEntries(entries));
}

const anyData = anyRecordOf(fc.constantFrom(...Object.values(SAMPLES), null));

describe('FieldRules', () => {
  it('accept exactly the data without extra, missing or mistyped fields, in any order', () => {
    fc.assert(
      fc.property(anyRecordOf(anyField), anyData, fc.boolean(), (fields, data, isOpen) => {
        const rules = new FieldRules(fields, isOpen);
        const faults = [...rules.extra(data), ...rules.missing(data), ...rules.mistyped(data)];
        expect(rules.areKeptBy(data)).toBe(faults.length === 0);
      }),
      { numRuns: 2_000 },
    );
  });

  it('name extra, missing and mistyped fields', () => {
    const fields = {
      a: { description: '' },
      b: { description: '', optional: true },
      c: { description: '', type: 'integer' },
    } as const;
    const rules = new FieldRules(fields, false);
    const data = { d: 1, c: 1.5 };
    expect([rules.extra(data), rules.missing(data), rules.mistyped(data)]).toEqual([
      ['d'],
      ['a'],
      [{ field: 'c', type: 'integer' }],
    ]);
    expect(new FieldRules(fields, true).extra(data)).toEqual([]);
  });

  it.each(Object.entries(SAMPLES))('recognise a value of the type %s', (type, value) => {
    const fields = { a: { description: '', type: type as keyof typeof SAMPLES } };
    const accepted = Object.values(SAMPLES).filter((each) =>
      new FieldRules(fields, false).areKeptBy({ a: each }),
    );
    expect(accepted).toEqual(type === 'number' ? [1.5, 1] : [value]);
  });
});
