import { describe, expect, it } from 'vitest';
import {
  defineContext,
  eventTypeFrom,
  type EventTypeOptions,
} from '../core/event-types/event-type.js';
import { recordOf } from '../core/event-types/metadata-record.js';
import { catalogueOf } from './catalogue.js';
import { lintCatalogue } from './lint.js';

const NOW = new Date(0);
const event = (name: string, options: Partial<EventTypeOptions> = {}) =>
  recordOf(eventTypeFrom(name, { description: 'One.', ...options }, ''), NOW);
const session = recordOf(
  defineContext('session', { description: 'One.', fields: { user_id: 'Who.' } }),
  NOW,
);

const rules = (...records: ReturnType<typeof event>[]) =>
  lintCatalogue(catalogueOf(records)).map(({ rule, name }) => `${rule} ${name}`);

describe('The lint of a catalogue', () => {
  it('accepts well-formed names and complete descriptions', () => {
    const fields = { course_id: 'The course.' };
    expect(rules(session, event('course.enrolled', { fields, contexts: ['session'] }))).toEqual([]);
    expect(rules(event('course.viewed', { contexts: ['request', 'cls'] }))).toEqual([]);
    expect(rules(event('edx.video.stop'), event('mit.audio.stop'))).toEqual([]);
  });

  it.each([
    ['enrolled', ['name-namespaced enrolled']],
    ['Course.Enrolled', ['name-lower-case Course.Enrolled']],
    ['course.was-enrolled', ['name-lower-case course.was-enrolled']],
    ['course enrolled', ['name-lower-case course enrolled', 'name-namespaced course enrolled']],
    ['course..enrolled', ['name-lower-case course..enrolled']],
    ['unknown', ['name-reserved unknown']],
  ])('reports the problems of the name %s', (name, expected) => {
    expect(rules(event(name))).toEqual(expected);
  });

  it('reports names that differ only in case and separators', () => {
    expect(rules(event('course.un_enrolled'), event('course.unenrolled'))).toEqual([
      'name-collision course.un_enrolled',
      'name-collision course.unenrolled',
    ]);
    expect(rules(session, event('session'))).toEqual(['name-namespaced session']);
  });

  it('reports missing descriptions', () => {
    expect(rules(event('a.b', { description: ' ', fields: { c: '' } }))).toEqual([
      'description-missing a.b',
      'field-description-missing a.b',
    ]);
    expect(rules(event('a.b', { contexts: ['job'] }))).toEqual(['context-not-described a.b']);
  });

  it('reports field names in another style and conflicting field types', () => {
    expect(rules(event('a.b', { fields: { courseId: 'It.' } }))).toEqual([
      'field-name-lower-case a.b',
    ]);
    const id = (type: 'string' | 'integer') => ({ fields: { id: { description: 'It.', type } } });
    expect(rules(event('a.b', id('string')), event('a.c', id('integer')))).toEqual([
      'field-type-differs a.c',
    ]);
  });

  it('reports names outside the namespaces of the application', () => {
    const catalogue = catalogueOf([
      event('course.enrolled'),
      event('courses.listed'),
      event('course'),
    ]);
    const findings = lintCatalogue(catalogue, { namespaces: ['course'] });
    expect(findings.filter(({ rule }) => rule === 'name-foreign')).toMatchObject([
      { name: 'courses.listed' },
    ]);
  });

  it('ignores retired types', () => {
    expect(lintCatalogue(catalogueOf([event('Bad Name')], { registered: [] }))).toEqual([]);
  });

  it('suggests a valid name', () => {
    const [finding] = lintCatalogue(catalogueOf([event('Course.wasEnrolled-now')]));
    expect(finding?.message).toBe(
      "The event type 'Course.wasEnrolled-now': the name must be lower case, with underscores within words and dots between parts, " +
        "such as 'course.was_enrolled_now'.",
    );
  });
});
