import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mongo } from 'mongoose';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { startMongo } from './mongo-server.js';

afterEach(() => vi.unstubAllEnvs());

describe('A MongoDB for tests', () => {
  it('stores and finds what the driver sends', async () => {
    const client = await mongo.MongoClient.connect(inject('mongoUri'));
    const collection = client.db('services').collection(`probe-${process.pid}-${Date.now()}`);
    await collection.insertOne({ said: 'hello' });
    expect(await collection.findOne({})).toMatchObject({ said: 'hello' });
    await collection.drop();
    await client.close();
  });

  it('keeps what it acknowledged when it is killed, where that is asked for', async () => {
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

  it('says what was tried and what to do where none can be had', async () => {
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
