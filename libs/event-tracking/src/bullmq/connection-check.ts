import type { ConnectionOptions } from 'bullmq';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';

/** The options that a connection can hold, be it plain options or an ioredis client or cluster. */
interface ClientOptions {
  url?: unknown;
  keyPrefix?: unknown;
  redisOptions?: ClientOptions;
}

/**
 * Checks a connection for settings that BullMQ cannot work with. Messages quote no values, which may be credentials.
 *
 * @throws {@link ImproperlyConfigured}
 */
export function checkConnection(connection: ConnectionOptions): void {
  const options = optionsOf(connection);
  if (layersOf(options).some(({ keyPrefix }) => isSet(keyPrefix)) || isSet(inUrl(options))) {
    throw new ImproperlyConfigured(
      'BullMqEventQueue: connection.keyPrefix must be empty: the scripts of BullMQ build keys of their own. ' +
        'Remove it and set the option prefix instead.',
    );
  }
}

function optionsOf(connection: ConnectionOptions): ClientOptions {
  const { options } = connection as { options?: ClientOptions };
  return options ?? (connection as ClientOptions);
}

function layersOf(options: ClientOptions): ClientOptions[] {
  return options.redisOptions === undefined ? [options] : [options, options.redisOptions];
}

function inUrl({ url }: ClientOptions): unknown {
  if (typeof url !== 'string' || !URL.canParse(url)) return undefined;
  return new URL(url).searchParams.get('keyPrefix');
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}
