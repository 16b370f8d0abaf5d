import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mongo } from 'mongoose';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { startMongo } from './mongo-server.js';

afterEach(() => vi.unstubAllEnvs());

describe('startMongo', () => {
  it('starts a server that stores and finds documents of the driver', async () => {
    const client = await mongo.MongoClient.connect(inject('mongoUri'));
    const collection = client.db('services').collection(`probe-${process.pid}-${Date.now()}`);
    await collection.insertOne({ said: 'hello' });
    expect(await collection.findOne({})).toMatchObject({ said: 'hello' });
    await collection.drop();
    await client.close();
  });

  it('starts a durable server that keeps acknowledged documents when it is killed', async () => {
    const server = await startMongo({ durable: true });
    try {
      const client = await mongo.MongoClient.connect(server.uri);
      await client.db('services').collection('kept').insertOne({ said: 'hello' });
      await client.close();
      await server.kill();
      await server.restart();
      const again = await mongo.MongoClient.connect(server.uri);
      expect(await again.db('services').collection('kept').countDocuments()).toBe(1);
      await again.close();
    } finally {
      await server.stop();
    }
  }, 60_000);

  it('rejects with the failed sources and advice if no server is available', async () => {
    const nothing = await mkdtemp(join(tmpdir(), 'no-cache-'));
    vi.stubEnv('PATH', nothing);
    vi.stubEnv('XDG_CACHE_HOME', nothing);
    vi.stubEnv('MONGOMS_DOWNLOAD_MIRROR', 'http://127.0.0.1:9');
    await expect(startMongo()).rejects.toThrow(
      /mongod on the PATH: mongod is not on the PATH\n.*mongodb-memory-server.*\n.*cargo.*\n.*python3 is not on the PATH\nSet MONGODB_URI/s,
    );
    await rm(nothing, { recursive: true });
  });
});
