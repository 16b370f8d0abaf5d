import { describe, expect, it } from 'vitest';
import { BOUNDS, COMMENT_SHARE, figures, findings, habitsIn, HABITS } from '../tools/prose.mjs';

describe('The prose check', () => {
  it.each(HABITS.map(({ name, example }) => [name, example]))(
    'finds %s in "%s"',
    (name, example) => {
      expect(habitsIn(example).map(({ habit }) => habit.name)).toContain(name);
    },
  );

  it('accepts "there is no"', () => {
    expect(habitsIn('There is no room.')).toEqual([]);
    expect(habitsIn('This is no room.')).toHaveLength(1);
  });

  it('reports the whole sentence, across line breaks', () => {
    const [found] = habitsIn(
      'All is well. Events that fit are\nkept, and what\ndoes not is lost. Good.',
    );
    expect(found?.sentence).toBe('Events that fit are kept, and what does not is lost.');
  });

  it.each([
    'Skips metadata records; skips other lines with a warning.',
    'What happens when a destination is down?',
    'Records what happened in an application.',
    'The queue is no longer open, and there are no more than ten workers.',
    'Never throws, whatever arguments it receives.',
    'Save the file, and close the tracker.',
  ])('accepts "%s"', (sentence) => {
    expect(habitsIn(sentence)).toEqual([]);
  });
});

describe('The prose of the project', () => {
  const measured = figures();

  it('has no bad habits', () => {
    expect(findings()).toEqual([]);
  }, 60_000);

  it.each(Object.keys(BOUNDS) as (keyof typeof BOUNDS)[])(
    'keeps the rate of "%s" in the comments of the library below its bound',
    (name) => {
      expect(measured[name]).toBeLessThanOrEqual(BOUNDS[name].most);
    },
  );

  it('has comments on 10 to 16 % of the lines of the library', () => {
    expect(measured.commentShare).toBeGreaterThanOrEqual(COMMENT_SHARE.least);
    expect(measured.commentShare).toBeLessThanOrEqual(COMMENT_SHARE.most);
  });
});
