import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fileNameOf } from './file-name.js';

describe("A type's file name", () => {
  it.each(['course.enrolled', 'edx.video.stop', 'session', 'a_b-c.1'])(
    'is the type name %s itself if it is portable',
    (name) => {
      expect(fileNameOf(name)).toBe(name);
    },
  );

  it.each([
    ['Course.Enrolled', /^course-enrolled~[0-9a-f]{8}$/],
    ['../../etc/passwd', /^etc-passwd~/],
    ['con', /^con~/],
    ['a.', /^a~/],
    ['✓', /^~/],
    ['x'.repeat(300), /^x{50}~/],
  ])('resembles %j if that name is not portable', (name, expected) => {
    expect(fileNameOf(name)).toMatch(expected);
  });

  it('is unique to the type name, even if the file system ignores case', () => {
    const anyName = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom('a', 'A', '.', '-', '_') }),
    );
    fc.assert(
      fc.property(anyName, anyName, (a, b) => {
        fc.pre(a !== b);
        expect(fileNameOf(a).toLowerCase()).not.toBe(fileNameOf(b).toLowerCase());
      }),
      { numRuns: 1_000 },
    );
  });

  it('is short and stays in its directory', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (name) => {
        expect(fileNameOf(name)).toMatch(/^[a-z0-9_.~-]{1,100}$/);
        expect(fileNameOf(name)).not.toMatch(/^\.|\.$|\.\./);
      }),
    );
  });
});
