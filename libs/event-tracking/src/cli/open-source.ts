import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandLine } from './command-line.js';
import { connectMongo } from './connect-mongo.js';
import { EventLines } from './event-lines.js';
import type { EventSource } from './event-source.js';
import { loadPeer } from './load-peer.js';
import { UsageError } from './usage-error.js';

const THIS_SOURCE = '--from: this source';

/**
 * Opens the source that `--from` names.
 *
 * @throws {@link UsageError} if the source does not exist, or its peer dependency is not installed
 */
export async function openSource(options: CommandLine): Promise<EventSource> {
  const { from } = options;
  if (/^mongodb(\+srv)?:/.test(from)) return openMongo(options);
  if (/^rediss?:/.test(from)) return openRedis(options);
  if (from === '-') return new EventLines(process.stdin);
  const found = await stat(from).catch(() => undefined);
  if (found === undefined) {
    throw new UsageError(
      `--from: no directory or file '${from}'. URLs of other sources begin with redis:// or mongodb://.`,
    );
  }
  return found.isDirectory() ? openDirectory(from) : EventLines.ofFile(from);
}

async function openDirectory(directory: string): Promise<EventSource> {
  const { DeadLetterFiles, DEAD_LETTERS } = await import('../disk/dead-letter-files.js');
  return new DeadLetterFiles(join(directory, DEAD_LETTERS), console);
}

async function openMongo({ from, collection }: CommandLine): Promise<EventSource> {
  const connection = await connectMongo(from);
  const { MongoDeadLetters } = await import('../mongo/mongo-dead-letters.js');
  return new MongoDeadLetters(connection, collection);
}

async function openRedis({ from, queue, prefix }: CommandLine): Promise<EventSource> {
  await loadPeer('bullmq', THIS_SOURCE, () => import('bullmq'));
  const [{ DeadLetterQueue }, { readAddress }] = await Promise.all([
    import('../bullmq/dead-letter-queue.js'),
    import('../bullmq/bullmq-event-queue-options.js'),
  ]);
  return new DeadLetterQueue(
    readAddress({
      connection: connectionOf(new URL(from)),
      ...(queue === undefined ? {} : { name: queue }),
      ...(prefix === undefined ? {} : { prefix }),
    }),
    console,
  );
}

function connectionOf({ hostname, port, username, password, pathname, protocol }: URL): object {
  const database = Number(pathname.slice(1));
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'), // URLs enclose IPv6 addresses in brackets
    port: port === '' ? 6379 : Number(port),
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    ...(database > 0 ? { db: database } : {}),
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
    retryStrategy: () => null, // fail at once, because a person is waiting
  };
}
