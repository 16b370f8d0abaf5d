import type { IRedisClient } from 'bullmq';

type Definition = Parameters<IRedisClient['defineCommand']>[1];

/** The first line of a script that a full Redis runs, from Redis 7 on. */
const ALLOW_OOM = '#!lua flags=allow-oom\n';
const FIRST_MAJOR_VERSION = 7;

/**
 * Lets a full Redis run the scripts of a client.
 *
 * @remarks
 * Taking a job needs a few bytes, completing it frees many. Without this, a Redis that is full of jobs refuses to hand them
 * out, and stays full.
 */
export function allowWhenFull(client: IRedisClient): void {
  const definitions = new Map<string, Definition>();
  const define = client.defineCommand.bind(client);
  let isSupported = false;
  client.defineCommand = (name, definition) => {
    definitions.set(name, definition);
    const { lua } = definition;
    define(name, isSupported ? { ...definition, lua: `${ALLOW_OOM}${lua}` } : definition);
  };
  const adapt = async (): Promise<void> => {
    const supports = majorVersion(await client.info()) >= FIRST_MAJOR_VERSION;
    if (supports === isSupported) return;
    isSupported = supports;
    for (const [name, definition] of definitions) client.defineCommand(name, definition);
  };
  // A later connection may lead to a server of another version.
  client.on('ready', () => void adapt().catch(() => {}));
}

function majorVersion(info: string): number {
  if (/^dragonfly_version:/m.test(info)) return 0;
  return Number(/^redis_version:(\d+)/m.exec(info)?.[1] ?? 0);
}
