import { beforeEach, describe, expect, it } from 'vitest';
import { UnknownContextError } from '../diagnostics/errors.js';
import type { ContextLocator } from './context-locator.js';
import { DefaultContextLocator } from './default-context-locator.js';

describe('A connection scope', () => {
  let locator: ContextLocator;

  beforeEach(() => {
    locator = new DefaultContextLocator();
    locator.get().enter('deployment', { release: 'v1' });
  });

  const resolve = () => locator.get().resolve();

  it('is around the requests that open in it, but not around connections', () => {
    locator.run('connection', () => {
      locator.get().enter('user', { user_id: 7 });
      locator.run('handler', () => {
        locator.get().enter('handler', { handler: 'login' });
        locator.run('request', () => {
          expect(resolve()).toEqual({ release: 'v1', user_id: 7 });
          locator.run('request', () => expect(resolve()).toEqual({ release: 'v1', user_id: 7 }));
        });
        locator.run('connection', () => expect(resolve()).toEqual({ release: 'v1' }));
      });
    });
    locator.run('request', () => expect(resolve()).toEqual({ release: 'v1' }));
  });

  it('has contexts that its requests can exit', () => {
    locator.run('connection', () => {
      locator.get().enter('user', { user_id: 7 });
      locator.run('request', () => locator.get().exit('user'));
      expect(resolve()).toEqual({ release: 'v1' });
    });
  });

  it.each(['connection', 'request'] as const)(
    'protects contexts of the process from code in a %s',
    (innermost) => {
      const exit = () => locator.get().exit('deployment');
      locator.run('connection', () =>
        innermost === 'connection'
          ? expect(exit).toThrow(UnknownContextError)
          : locator.run('request', () => expect(exit).toThrow(/belongs to the process/)),
      );
      expect(resolve()).toEqual({ release: 'v1' });
    },
  );

  it('names its contexts if an unknown one is exited in it', () => {
    locator.run('connection', () => {
      locator.get().enter('user', { user_id: 7 });
      expect(() => locator.get().exit('session')).toThrow(
        /'session' is not entered here; entered contexts: 'deployment', 'user'/,
      );
    });
  });
});
