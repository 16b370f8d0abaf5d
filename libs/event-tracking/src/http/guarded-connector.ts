import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { EventTrackingError } from '../core/diagnostics/errors.js';

/** Whether a backend may connect to an IP address. */
export type AddressCheck = (address: string) => boolean;

/** Rejects a connection to an address that the backend may not dial. */
export class BlockedAddressError extends EventTrackingError {
  override readonly code: string = 'BLOCKED_ADDRESS';

  constructor(host: string) {
    super(
      `${host} has no address that the backend may connect to. ` +
        `Private, local and reserved addresses are allowed only with addresses: 'any'.`,
    );
  }
}

/** How connections are made. */
export interface ConnectorOptions {
  /** Limits the addresses; absent if every address is allowed. */
  readonly mayDial: AddressCheck | undefined;
  readonly lookup: LookupFunction | undefined;
  /** In milliseconds. */
  readonly timeout: number;
}

/** Checks the address it dials: a name can resolve to another one by then (DNS rebinding). */
export function createConnector(options: ConnectorOptions): buildConnector.connector {
  const { mayDial, timeout, lookup = systemLookup as LookupFunction } = options;
  if (mayDial === undefined) return buildConnector({ timeout, lookup });
  const connect = buildConnector({ timeout, lookup: guardedLookup(lookup, mayDial) });
  return (target, callback) => {
    const host = target.hostname.replace(/^\[(.*)\]$/, '$1');
    // The system does not look up a literal address.
    if (isIP(host) !== 0 && !mayDial(host)) {
      callback(new BlockedAddressError(host), null);
      return;
    }
    connect(target, callback);
  };
}

function guardedLookup(lookup: LookupFunction, mayDial: AddressCheck): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, found, family) => {
      if (error !== null) {
        callback(error, []);
        return;
      }
      const allowed = addressesOf(found, family).filter(({ address }) => mayDial(address));
      const [first] = allowed;
      if (first === undefined) callback(new BlockedAddressError(host), []);
      else if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

/** A resolver of the application may ignore `all`. */
function addressesOf(
  found: string | readonly LookupAddress[],
  family: number | undefined,
): readonly LookupAddress[] {
  return typeof found === 'string' ? [{ address: found, family: family ?? isIP(found) }] : found;
}
