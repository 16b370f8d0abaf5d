import type { TestProject } from 'vitest/node';
import { startMongo } from './mongo-server.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** A MongoDB for all tests of the run; each uses a database of its own. */
    mongoUri: string;
  }
}

/** Gives the run a MongoDB: that of the environment, or one that is found or installed, and stopped at the end. */
export default async function provideMongo({ provide }: TestProject): Promise<() => Promise<void>> {
  const given = process.env['MONGODB_URI'];
  if (given !== undefined && given !== '') {
    console.log('MongoDB: that of MONGODB_URI');
    provide('mongoUri', given);
    return async () => {};
  }
  const started = Date.now();
  const server = await startMongo();
  console.log(`MongoDB: ${server.description}, started in ${Date.now() - started} ms`);
  provide('mongoUri', server.uri);
  return () => server.stop();
}
