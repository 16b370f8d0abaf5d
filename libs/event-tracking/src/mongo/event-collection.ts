import type { Connection, mongo } from 'mongoose';
import { describeError } from '../core/diagnostics/describe.js';
import { Diagnostics, type DiagnosticLogger } from '../core/diagnostics/diagnostics.js';
import { RetryableDeliveryError } from '../core/diagnostics/errors.js';
import type { EventDocument } from './event-document.js';
import { isRetryableCode } from './mongo-failure.js';
import type { MongoStorageOptions } from './mongo-backend-options.js';

export const DEFAULT_COLLECTION = 'events';
const NAMESPACE_EXISTS = 48;
/** An index with these keys, or this name, exists with other options. */
const INDEX_CONFLICTS: readonly unknown[] = [85, 86];
const BY_TIME: Record<string, mongo.IndexDirection> = { timestamp: -1 };

/** Opens the collection of events, and creates it and its indexes where they are missing. */
export class EventCollection {
  readonly #diagnostics: Diagnostics;
  #ready: Promise<mongo.Collection<EventDocument>> | undefined;
  /** The connection's database when the collection was prepared; a connection that is reopened has another. */
  #database: mongo.Db | undefined;
  #indexed: Promise<void> = Promise.resolve();

  constructor(
    private readonly connection: Connection,
    private readonly options: MongoStorageOptions,
    logger: DiagnosticLogger,
  ) {
    this.#diagnostics = new Diagnostics(logger);
  }

  get name(): string {
    return this.options.collection ?? DEFAULT_COLLECTION;
  }

  /** Returns the collection once it exists, without waiting for its indexes. */
  async open(): Promise<mongo.Collection<EventDocument>> {
    if (this.connection.db !== this.#database) this.#ready = undefined;
    const ready = (this.#ready ??= this.#prepare());
    try {
      return await ready;
    } catch (error) {
      if (this.#ready === ready) this.#ready = undefined;
      throw error;
    }
  }

  /** Resolves when no index is being created. */
  async indexed(): Promise<void> {
    await this.#indexed;
  }

  /** Returns the database once the connection is open. */
  async database(): Promise<mongo.Db> {
    const { connection, options } = this;
    if (connection.db === undefined) await connection.asPromise();
    if (connection.db === undefined) {
      throw new RetryableDeliveryError('The Mongoose connection has not been opened.');
    }
    return options.database === undefined
      ? connection.db
      : connection.getClient().db(options.database);
  }

  async #prepare(): Promise<mongo.Collection<EventDocument>> {
    this.#database = this.connection.db;
    const database = await this.database();
    this.#database = this.connection.db;
    await this.#create(database);
    const collection = database.collection<EventDocument>(this.name);
    this.#indexed = this.#createIndexes(database, collection);
    return collection;
  }

  async #create(database: mongo.Db): Promise<void> {
    try {
      await database.createCollection(this.name, this.#collectionOptions());
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code === NAMESPACE_EXISTS) return;
      // The server may forbid creating but allow inserting, which creates the collection. After an error that will pass, that
      // would create a collection that is not a time series.
      if (typeof code !== 'number' || isRetryableCode(code)) throw error;
      this.#report(`The collection '${this.name}' could not be created`, error);
    }
  }

  #collectionOptions(): mongo.CreateCollectionOptions {
    const { timeSeries, ttl } = this.options;
    if (timeSeries === undefined || timeSeries === false) return {};
    const grouping = timeSeries === true ? {} : timeSeries;
    return { timeseries: { timeField: 'timestamp', ...grouping }, expireAfterSeconds: ttl };
  }

  async #createIndexes(
    database: mongo.Db,
    collection: mongo.Collection<EventDocument>,
  ): Promise<void> {
    const { indexes = [], ttl, timeSeries } = this.options;
    if (indexes === false) return;
    const expires = ttl !== undefined && (timeSeries === undefined || timeSeries === false);
    const wanted = [
      { key: BY_TIME, options: expires ? { expireAfterSeconds: ttl } : {} },
      { key: { name: 1 } as Record<string, mongo.IndexDirection>, options: {} },
      ...indexes,
    ];
    for (const { key, options } of wanted) {
      try {
        await collection.createIndex(key, options);
      } catch (error) {
        const conflicts = INDEX_CONFLICTS.includes((error as { code?: unknown }).code);
        if (conflicts && key === BY_TIME && expires) await this.#changeTtl(database, ttl);
        else this.#report(`The index on ${JSON.stringify(key)} could not be created`, error);
      }
    }
  }

  async #changeTtl(database: mongo.Db, expireAfterSeconds: number): Promise<void> {
    try {
      await database.command({
        collMod: this.name,
        index: { keyPattern: BY_TIME, expireAfterSeconds },
      });
    } catch (error) {
      this.#report('The time to live (ttl) could not be changed', error);
    }
  }

  #report(what: string, error: unknown): void {
    this.#diagnostics.error(
      `the collection ${this.name}`,
      `${what} in MongoDB: ${describeError(error)}. Events are stored without it.`,
    );
  }
}
