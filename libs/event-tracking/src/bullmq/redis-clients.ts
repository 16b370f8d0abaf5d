import * as bullmq from 'bullmq';
import {
  isRedisInstance,
  RedisConnection,
  type ConnectionOptions,
  type IRedisClient,
} from 'bullmq';
import { allowWhenFull } from './full-redis.js';
import { describeRedisError } from './redis-error.js';

/**
 * The purpose of a connection.
 *
 * - `producer`: its commands fail while Redis is away or full, and the caller retries them
 * - `dead-letters`: the same, but a full Redis accepts them: each letter ends an event of a job
 * - `worker`: its commands wait for Redis, as BullMQ's worker expects, and a full Redis accepts them
 */
export type ClientRole = 'producer' | 'dead-letters' | 'worker';

/** Ends a socket whose peer does not close it in time, in milliseconds. */
const DISCONNECT_TIMEOUT_MS = 100;
/** A connection on which Redis leaves commands unanswered for so long is dead. */
const ANSWER_TIMEOUT_MS = 60_000;
const CONNECT_PATIENCE_MS = 5_000;

const COMMON = {
  lazyConnect: false,
  disconnectTimeout: DISCONNECT_TIMEOUT_MS,
};
const FAIL_FAST = {
  enableOfflineQueue: false,
  // Both together reject commands when the connection closes, instead of sending them again.
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
};
const WAIT = { enableOfflineQueue: true, maxRetriesPerRequest: null };

const lastErrors = new WeakMap<IRedisClient, unknown>();

/** Opens the connections of one queue and ends them, because BullMQ does not end connections that wait for Redis. */
export class RedisClients {
  readonly #clients = new Set<IRedisClient>();

  constructor(private readonly connection: ConnectionOptions) {}

  /** Opens a connection. Returns the application's own client if its driver is not ioredis. */
  open(role: ClientRole): ConnectionOptions {
    const { connection } = this;
    if (isRedisInstance(connection) && !isIoredis(connection)) return connection;
    const client = isRedisInstance(connection)
      ? duplicate(bullmq.createIORedisClient(connection as IoredisInstance), role)
      : createClient(connection, role);
    if (role !== 'producer') allowWhenFull(client);
    return this.#own(client);
  }

  /** Whether commands may reach Redis now; unknown, so true, for clients of the application. */
  get isConnected(): boolean {
    return this.#clients.size === 0 || [...this.#clients].some(({ status }) => status === 'ready');
  }

  /** Closes all sockets and ends all retries; rejects the commands that wait. */
  disconnect(): void {
    for (const client of this.#clients) disconnectForGood(client);
    this.#clients.clear();
  }

  #own(client: IRedisClient): IRedisClient {
    this.#clients.add(client);
    client.on('error', (error) => lastErrors.set(client, error));
    client.on('ready', () => lastErrors.delete(client));
    // BullMQ's worker duplicates its client for commands that block.
    const copy = client.duplicate.bind(client);
    client.duplicate = (...overrides) => this.#own(copy(...overrides));
    return client;
  }
}

export interface Patience {
  signal?: AbortSignal;
  /** Whether to wait while the client connects again after a failure. */
  throughFailures?: boolean;
}

/**
 * Waits until commands can be sent.
 *
 * @throws if the connection fails, or is not ready within seconds
 */
export async function connected(
  client: IRedisClient,
  { signal, throughFailures = false }: Patience = {},
): Promise<void> {
  if (client.status === 'ready') return;
  if (client.status === 'wait') client.connect().catch(() => {});
  else if (!throughFailures && !isConnecting(client)) throw unreachable(lastErrors.get(client));
  let stop = (): void => {};
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (error: unknown = lastErrors.get(client)): void => reject(unreachable(error));
      const late = (): void => reject(lateError(client));
      const timer = setTimeout(late, CONNECT_PATIENCE_MS);
      const failures = throughFailures ? { end: fail } : { error: fail, close: fail, end: fail };
      const listeners = Object.entries({ ready: resolve, ...failures });
      for (const [event, listener] of listeners) client.on(event, listener);
      signal?.addEventListener('abort', late, { once: true });
      if (signal?.aborted === true) late();
      stop = () => {
        clearTimeout(timer);
        for (const [event, listener] of listeners) client.off(event, listener);
        signal?.removeEventListener('abort', late);
      };
    });
  } finally {
    stop();
  }
}

function lateError(client: IRedisClient): Error {
  const error = lastErrors.get(client);
  if (error !== undefined) return unreachable(error);
  return new Error('Redis does not answer: it hangs, or is loading its data.');
}

function isConnecting({ status }: IRedisClient): boolean {
  return status === 'connecting' || status === 'connect';
}

function unreachable(error: unknown): Error {
  return new Error(
    error === undefined ? 'Redis cannot be reached.' : `${describeRedisError(error)}.`,
    { cause: error },
  );
}

/** Lets BullMQ create a client with the driver that it finds, and hands that client out. */
class ClientFactory extends RedisConnection {
  constructor(options: ConnectionOptions) {
    super(options, {
      shared: true,
      blocking: false,
      skipVersionCheck: true,
      skipWaitingForReady: true,
    });
    this.on('error', () => {});
  }

  get created(): IRedisClient {
    return this._client;
  }

  /** The queue or worker that uses the client defines them. */
  protected override loadCommands(): void {}
}

type IoredisInstance = Parameters<typeof bullmq.createIORedisClient>[0];

function createClient(options: ConnectionOptions, role: ClientRole): IRedisClient {
  return new ClientFactory({ ...options, ...optionsFor(role, options as ClientOptions) }).created;
}

function duplicate(client: IRedisClient, role: ClientRole): IRedisClient {
  const { options } = client;
  if (!client.isCluster) return client.duplicate(optionsFor(role, options));
  // A cluster has options of its own and, below them, those of the connections to its nodes.
  const redisOptions = optionsFor(role, options['redisOptions'] as ClientOptions | undefined);
  return client.duplicate(redisOptions);
}

interface ClientOptions {
  reconnectOnError?: unknown;
  socketTimeout?: unknown;
}

function optionsFor(role: ClientRole, given: ClientOptions = {}): Record<string, unknown> {
  const reconnectOnError = given.reconnectOnError ?? isDemoted;
  if (role === 'worker') return { ...COMMON, ...WAIT, reconnectOnError };
  const socketTimeout = given.socketTimeout ?? ANSWER_TIMEOUT_MS;
  return { ...COMMON, ...FAIL_FAST, reconnectOnError, socketTimeout };
}

/** After a failover the address may belong to another server: connect again, and look it up again. */
function isDemoted({ message }: Error): boolean {
  return message.includes('READONLY');
}

/** Clients of other drivers lack this method, also behind BullMQ's adapters. */
function isIoredis(client: object): boolean {
  return typeof (client as { createBuiltinCommand?: unknown }).createBuiltinCommand === 'function';
}

function disconnectForGood(client: IRedisClient): void {
  if (client.status === 'end') return;
  // Between two connections, ioredis would neither end nor reject the commands that wait.
  if (client.status === 'reconnecting' && !client.isCluster) client.connect().catch(() => {});
  client.disconnect();
  client.connect = () => Promise.reject(new Error('Connection is closed.'));
}
