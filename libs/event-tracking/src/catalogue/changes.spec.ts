import { describe, expect, it } from 'vitest';
import { eventTypeFrom, type EventTypeOptions } from '../core/event-types/event-type.js';
import { recordOf } from '../core/event-types/metadata-record.js';
import { changesBetween } from './changes.js';

const record = (options: Partial<EventTypeOptions>) =>
  recordOf(eventTypeFrom('course.enrolled', { description: '', ...options }, ''), new Date(0));

const changes = (older: Partial<EventTypeOptions>, newer: Partial<EventTypeOptions>) =>
  changesBetween(record(older), record(newer));

describe('changesBetween', () => {
  it('returns no changes for equal versions', () => {
    const same = { description: 'One.', fields: { plan: 'The plan.' }, contexts: ['request'] };
    expect(changes(same, { ...same })).toEqual([]);
  });

  it('returns added, removed and reworded parts', () => {
    expect(
      changes(
        { description: 'One.', fields: { coupon: 'A code.' }, contexts: ['request'] },
        { description: 'Two.', fields: { plan: 'The plan.' }, contexts: ['session'] },
      ),
    ).toEqual([
      { subject: 'description', what: 'changed', before: 'One.', after: 'Two.', isBreaking: false },
      { subject: "field 'coupon'", what: 'removed', isBreaking: true },
      { subject: "field 'plan'", what: 'added', isBreaking: false },
      { subject: "context 'request'", what: 'removed', isBreaking: true },
      { subject: "context 'session'", what: 'added', isBreaking: false },
    ]);
  });

  it('marks a field that becomes optional or changes its type as breaking', () => {
    const plan = (more: object) => ({ fields: { plan: { description: 'It.', ...more } } });
    expect(changes(plan({}), plan({ optional: true }))).toEqual([
      {
        subject: "presence of field 'plan'",
        what: 'changed',
        before: 'required',
        after: 'optional',
        isBreaking: true,
      },
    ]);
    expect(changes(plan({ optional: true }), plan({}))).toMatchObject([{ isBreaking: false }]);
    expect(changes(plan({}), plan({ type: 'integer' }))).toMatchObject([
      { subject: "type of field 'plan'", before: 'any', after: 'integer', isBreaking: true },
    ]);
  });

  it('reports a new example without its value', () => {
    expect(changes({}, { example: { plan: 'free' } })).toEqual([
      { subject: 'example', what: 'added', isBreaking: false },
    ]);
  });
});
