import { describe, expect, it } from 'vitest';
import { checkPeerVersion } from './check-peer-version.js';
import { ImproperlyConfigured } from './errors.js';

const check = (version: unknown) =>
  checkPeerVersion('MongoBackend', { name: 'mongoose', version, supported: [8, 9] });

describe('checkPeerVersion', () => {
  it.each(['7.8.13', '0.1.0'])('rejects version %s with the supported versions', (version) => {
    expect(() => check(version)).toThrow(
      new ImproperlyConfigured(
        `MongoBackend: mongoose must be version 8 or 9; received ${version}. ` +
          'Install a supported version: npm install mongoose@9.',
      ),
    );
  });

  it.each(['8.0.0', '9.12.1', '10.0.0-rc.1', 'next', undefined])(
    'accepts version %s, which may work',
    (version) => {
      expect(() => check(version)).not.toThrow();
    },
  );
});
