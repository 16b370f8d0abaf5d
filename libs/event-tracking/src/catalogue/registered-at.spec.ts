import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { defineEvent } from '../core/event-types/event-type.js';
import { registeredAt, withPlaceOnly } from './registered-at.js';

const here = fileURLToPath(new URL('.', import.meta.url));

describe('The code location of a registration', () => {
  it.each([
    ['    at file:///srv/app/src/events.ts:12:3', 'src/events.ts:12'],
    ['    at new Events (file:///srv/app/src/my%20events.ts:12:3)', 'src/my events.ts:12'],
    [
      '    at async Promise.all (index 0)\n    at load (/srv/app/dist/a(b).js:1:2)',
      'dist/a(b).js:1',
    ],
    ['    at Object.<anonymous> (/srv/app/x.js:5:9)', 'x.js:5'],
    ['    at /srv/other/x.js:5:9', '../other/x.js:5'],
    [
      '    at eval (eval at run (/srv/app/a.js:1:1), <anonymous>:1:1)\n    at /srv/app/b.js:2:2',
      'b.js:2',
    ],
    [
      '    at Module._compile (node:internal/modules/cjs/loader:1:1)\n' +
        '    at x (/srv/app/node_modules/nestjs-event-tracking/dist/core/event-type.js:9:9)\n' +
        '    at file:///srv/app/src/events.ts:7:7',
      'src/events.ts:7',
    ],
    ['', undefined],
    ['    at node:internal/x:1:1', undefined],
    ['no stack at all', undefined],
  ])('is read from %j', (stack, place) => {
    expect(registeredAt(stack, '/srv/app')).toBe(place);
  });

  it('is never in this library', () => {
    const { stack } = defineEvent('course.enrolled', { description: 'One.' });
    expect(stack).toContain(here);
    const beyond = `${stack}\n    at /srv/app/src/events.ts:3:1`;
    expect(registeredAt(beyond, '/srv/app')).toBe('src/events.ts:3');
  });

  it('replaces the stack of a record, and can be read back on any machine', () => {
    const record = {
      id: '1',
      kind: 'event' as const,
      name: 'n',
      description: '',
      fields: [],
      timestamp: new Date(0),
      stack_trace: '    at /srv/app/src/events.ts:3:1\n    at main (/srv/app/main.ts:1:1)',
    };
    const { stack_trace } = withPlaceOnly(record, '/srv/app');
    expect(stack_trace).toBe('at src/events.ts:3:1');
    expect(registeredAt(stack_trace, '/anywhere')).toBe('src/events.ts:3');
    expect(withPlaceOnly({ ...record, stack_trace: 'none' }, '/').stack_trace).toBe('');
  });
});
