import type { Connection, mongo } from 'mongoose';
import { type KeysOf } from '../core/diagnostics/check-options.js';
import { describeValue } from '../core/diagnostics/describe.js';
import type { DiagnosticLogger } from '../core/diagnostics/diagnostics.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';

/** An index in addition to those on `timestamp` and `name`. */
export interface MongoIndex {
  /** The fields with their direction or kind, as for `createIndex`: `{ 'context.user_id': 1, timestamp: -1 }`. */
  key: Record<string, mongo.IndexDirection>;
  /** Other options of `createIndex`: `unique`, `partialFilterExpression`, … */
  options?: mongo.CreateIndexesOptions;
}

/** How a time-series collection groups events. */
export interface MongoTimeSeries {
  /** The field that groups events: `'name'` or `'context'`. */
  metaField?: 'name' | 'context';
  /**
   * The expected distance between events of one group.
   *
   * @default the server's: seconds
   */
  granularity?: 'seconds' | 'minutes' | 'hours';
}

/** How and where a {@link MongoBackend} stores events. */
export interface MongoStorageOptions {
  /**
   * The collection.
   *
   * @default 'events'
   */
  collection?: string;
  /**
   * The collection for the types of events and contexts; false stores none.
   *
   * @default 'event_types'
   */
  metadataCollection?: string | false;
  /**
   * The database.
   *
   * @default the connection's
   */
  database?: string;
  /**
   * Indexes in addition to those on `timestamp` (descending) and `name`; false creates no index at all.
   *
   * @default none
   */
  indexes?: readonly MongoIndex[] | false;
  /**
   * How long events are kept, in seconds.
   *
   * @remarks The backend applies a new value to the index. To keep events for ever again, drop the index.
   * @default for ever
   */
  ttl?: number;
  /**
   * Creates the collection as a time series, unless it exists.
   *
   * @remarks Such collections do not enforce a unique `_id`, so an event that is delivered twice is stored twice.
   * @default false
   */
  timeSeries?: MongoTimeSeries | boolean;
  /**
   * The write concern of inserts. `w: 0` is not allowed, because it acknowledges nothing.
   *
   * @default the connection's; w: 1 if that is w: 0
   */
  writeConcern?: mongo.WriteConcernSettings;
  /**
   * Inserts the events of a batch in order, and stops at one that fails until that one has ended.
   *
   * @default false
   */
  ordered?: boolean;
  /**
   * Logs failures to create the collection or its indexes.
   *
   * @default Nest's logger
   */
  logger?: DiagnosticLogger;
}

/** The options of a {@link MongoBackend}. */
export interface MongoBackendOptions extends MongoStorageOptions {
  /** A connection of `@nestjs/mongoose` (`getConnectionToken()`) or of Mongoose itself. */
  connection: Connection;
}

/** The keys of all storage options. */
export const STORAGE_KEYS: KeysOf<MongoStorageOptions> = {
  collection: true,
  metadataCollection: true,
  database: true,
  indexes: true,
  ttl: true,
  timeSeries: true,
  writeConcern: true,
  ordered: true,
  logger: true,
};

/** @throws {@link ImproperlyConfigured} for invalid options */
export function checkMongoOptions(options: MongoStorageOptions): void {
  const { collection, database, ttl, writeConcern } = options;
  const metadataCollection = options.metadataCollection || undefined;
  for (const [key, name] of Object.entries({ collection, database, metadataCollection })) {
    if (name !== undefined && (typeof name !== 'string' || name === '')) {
      throw new ImproperlyConfigured(
        `MongoBackend: ${key} must be a non-empty string; received ${describeValue(name)}.`,
      );
    }
  }
  if (ttl !== undefined && !(Number.isFinite(ttl) && ttl > 0)) {
    throw new ImproperlyConfigured(
      `MongoBackend: ttl must be a number of seconds above 0; received ${describeValue(ttl)}.`,
    );
  }
  if (writeConcern?.w === 0) {
    throw new ImproperlyConfigured(
      `MongoBackend: writeConcern must acknowledge writes; received w: 0, with which losses could not be counted. ` +
        `Omit it, or pass { w: 1 } or { w: 'majority' }.`,
    );
  }
}
