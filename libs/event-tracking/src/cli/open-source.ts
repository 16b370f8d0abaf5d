import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandLine } from './command-line.js';
import { connectMongo } from './connect-mongo.js';
import { EventLines } from './event-lines.js';
import type { EventSource } from './event-source.js';
import { peer } from './peer.js';
import { UsageError } from './usage-error.js';

const THIS_SOURCE = '--from: this source';

/** @throws {@link UsageError} for what is no source, or one whose peer is not installed */
export async function openSource(line: CommandLine): Promise<EventSource> {
  const { from } = line;
  if (/^mongodb(\+srv)?:/.test(from)) return openMongo(line);
  if (/^rediss?:/.test(from)) return openRedis(line);
  if (from === '-') return new EventLines(process.stdin);
  const found = await stat(from).catch(() => undefined);
  if (found === undefined) {
    throw new UsageError(
      `--from: there is no directory or file '${from}'. Other sources begin with redis:// or mongodb://.`,
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
  await peer('bullmq', THIS_SOURCE, () => import('bullmq'));
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
    host: hostname.replace(/^\[(.*)\]$/, '$1'), // as an address of IPv6 stands in a URL
    port: port === '' ? 6379 : Number(port),
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    ...(database > 0 ? { db: database } : {}),
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
    retryStrategy: () => null, // somebody waits for an answer
  };
}
