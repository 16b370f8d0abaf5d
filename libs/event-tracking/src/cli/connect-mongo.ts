import type { Connection } from 'mongoose';
import { peer } from './peer.js';

/** Connects to the database that a source names. */
export async function connectMongo(from: string): Promise<Connection> {
  const { createConnection } = await peer(
    'mongoose',
    '--from: this source',
    () => import('mongoose'),
  );
  return createConnection(from).asPromise();
}
