import type { TestProject } from 'vitest/node';
import { startMongo } from './mongo-server.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** The MongoDB server of the test run; each test uses its own database. */
    mongoUri: string;
  }
}

/** Provides the MongoDB server at MONGODB_URI, or starts one and stops it after the test run. */
export default async function provideMongo({ provide }: TestProject): Promise<() => Promise<void>> {
  const configured = process.env['MONGODB_URI'];
  if (configured !== undefined && configured !== '') {
    console.log('MongoDB: the server at MONGODB_URI');
    provide('mongoUri', configured);
    return async () => {};
  }
  const started = Date.now();
  const server = await startMongo();
  console.log(`MongoDB: ${server.description}, started in ${Date.now() - started} ms`);
  provide('mongoUri', server.uri);
  return () => server.stop();
}
