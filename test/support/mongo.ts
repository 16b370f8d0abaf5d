import { randomUUID } from 'node:crypto';
import mongoose, { type Connection, type ConnectOptions } from 'mongoose';
import type { TrackingEvent } from 'nestjs-event-tracking';
import type { EventDocument } from 'nestjs-event-tracking/mongo';
import { inject } from 'vitest';

/** Returns the URI of a new database on the MongoDB server of the test run. */
export function databaseUri(port?: number): string {
  const uri = new URL(inject('mongoUri'));
  uri.pathname = `/test-${randomUUID().slice(0, 8)}`;
  if (port !== undefined) uri.port = String(port);
  return uri.href;
}

/** Connects to a new database. */
export function connectMongo(
  uri = databaseUri(),
  options: ConnectOptions = {},
): Promise<Connection> {
  return mongoose
    .createConnection(uri, { serverSelectionTimeoutMS: 1_000, ...options })
    .asPromise();
}

/** Drops the connection's database and closes the connection. */
export async function dropMongo(connection: Connection): Promise<void> {
  await connection.dropDatabase();
  await connection.close();
}

/** Returns the events of a collection, oldest first. */
export async function storedIn(
  connection: Connection,
  collection = 'events',
): Promise<TrackingEvent[]> {
  const documents = await connection
    .collection<EventDocument>(collection)
    .find()
    .sort({ _id: 1 })
    .toArray();
  return documents.map(({ _id, ...rest }) => ({ ...rest, id: _id }));
}
