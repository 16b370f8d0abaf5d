import { describe, expect, it, vi } from 'vitest';
import * as ours from './errors.js';

const types = Object.entries(ours) as [
  string,
  new (message?: string, options?: { cause?: unknown }) => ours.EventTrackingError,
][];

/** Loads a second copy of the errors. */
async function anotherCopy(): Promise<typeof ours> {
  vi.resetModules();
  const theirs = await import('./errors.js');
  expect(theirs.EventTrackingError).not.toBe(ours.EventTrackingError);
  return theirs;
}

describe.each(types)('%s', (name, Type) => {
  it('is an error of the library with a name, a code, a message and a cause', () => {
    const cause = new Error('before');
    const error = new Type('what happened', { cause });
    expect(error).toBeInstanceOf(Type);
    expect(error).toBeInstanceOf(ours.EventTrackingError);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name, message: 'what happened', cause });
    expect(error.code).toMatch(/^[A-Z_]+$/);
    expect(String(error)).toBe(`${name}: what happened`);
    expect(error.stack).toContain('errors.spec.ts');
  });

  it('has no cause unless one is given', () => {
    expect(Object.hasOwn(new Type('alone'), 'cause')).toBe(false);
  });
});

describe('Errors', () => {
  it('have unique codes', () => {
    const codes = types.map(([, Type]) => new Type('').code);
    expect(new Set(codes).size).toBe(types.length);
  });

  it('have a default message if they are signals', () => {
    for (const Signal of [
      ours.EventEmissionExit,
      ours.NoBackendEnabled,
      ours.NoTransformerImplemented,
    ]) {
      expect(new Signal().message).toMatch(/event/);
    }
  });

  it('contain the pause that a destination asks for', () => {
    expect(new ours.RetryableDeliveryError('busy', { retryAfterMs: 500 }).retryAfterMs).toBe(500);
    expect(new ours.RetryableDeliveryError('busy').retryAfterMs).toBeUndefined();
  });

  it('are distinguished by instanceof', () => {
    const exit = new ours.EventEmissionExit();
    expect(exit).not.toBeInstanceOf(ours.NoBackendEnabled);
    expect(new ours.EventTrackingError('root')).not.toBeInstanceOf(ours.EventEmissionExit);
    expect(new Error('plain')).not.toBeInstanceOf(ours.EventTrackingError);
  });

  it('are recognised across two copies of the package, in both directions', async () => {
    const theirs = await anotherCopy();
    for (const [name] of Object.entries(ours)) {
      const [Ours, Theirs] = [ours, theirs].map((copy) => copy[name as 'EventTrackingError']) as [
        typeof ours.EventTrackingError,
        typeof ours.EventTrackingError,
      ];
      expect(new Theirs('')).toBeInstanceOf(Ours);
      expect(new Ours('')).toBeInstanceOf(Theirs);
      expect(new Theirs('')).toBeInstanceOf(ours.EventTrackingError);
    }
    expect(new theirs.EventEmissionExit()).not.toBeInstanceOf(ours.NoBackendEnabled);
  });

  it('are recognised in derived classes of applications, also across copies', async () => {
    const theirs = await anotherCopy();
    class TooOld extends theirs.EventEmissionExit {}
    class MuchTooOld extends TooOld {}
    const error = new MuchTooOld();
    expect(error).toBeInstanceOf(TooOld);
    expect(error).toBeInstanceOf(ours.EventEmissionExit);
    expect(error).toBeInstanceOf(ours.EventTrackingError);
    expect(new TooOld()).not.toBeInstanceOf(MuchTooOld);
    expect(new theirs.EventEmissionExit()).not.toBeInstanceOf(TooOld);
    expect(new ours.EventEmissionExit()).not.toBeInstanceOf(TooOld);
  });

  it('can be tested against any value', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const hostile = new Proxy(
      {},
      {
        get() {
          throw new Error('trapped');
        },
      },
    );
    for (const stranger of [
      undefined,
      null,
      0,
      '',
      Symbol('x'),
      () => {},
      {},
      Object.create(null),
      proxy,
      hostile,
    ]) {
      for (const [, Type] of types) expect((stranger as unknown) instanceof Type).toBe(false);
    }
  });
});
