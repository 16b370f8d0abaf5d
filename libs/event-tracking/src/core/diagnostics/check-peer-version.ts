import { ImproperlyConfigured } from './errors.js';

/** An optional peer whose version is known only at run time, because any version may be installed. */
export interface Peer {
  readonly name: string;
  /** The installed version; a value of another type is not checked. */
  readonly version: unknown;
  /** The supported major versions. */
  readonly supported: readonly [oldest: number, ...others: number[]];
}

/**
 * Checks that a peer is not older than the oldest supported version.
 *
 * @param owner - the class that needs the peer; begins the message
 * @throws {@link ImproperlyConfigured} for an older version
 */
export function checkPeerVersion(owner: string, { name, version, supported }: Peer): void {
  if (typeof version !== 'string') return;
  if (!(Number.parseInt(version) < supported[0])) return;
  const newest = supported.at(-1);
  throw new ImproperlyConfigured(
    `${owner}: ${name} must be version ${supported.join(' or ')}; received ${version}. ` +
      `Install a supported version: npm install ${name}@${newest}.`,
  );
}
