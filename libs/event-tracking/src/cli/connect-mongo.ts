import type { Connection } from 'mongoose';
import { loadPeer } from './load-peer.js';

/** Connects to the database of a `mongodb://` URL. */
export async function connectMongo(from: string): Promise<Connection> {
  const { createConnection } = await loadPeer(
    'mongoose',
    '--from: this source',
    () => import('mongoose'),
  );
  return createConnection(from).asPromise();
}
