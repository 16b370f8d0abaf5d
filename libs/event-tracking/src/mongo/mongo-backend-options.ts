import type { Connection, mongo } from 'mongoose';
import { type KeysOf } from '../core/diagnostics/check-options.js';
import { describeValue } from '../core/diagnostics/describe.js';
import type { DiagnosticLogger } from '../core/diagnostics/diagnostics.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';

/** An index besides those on `timestamp` and `name`. */
export interface MongoIndex {
  /** The fields with their direction or kind, as `createIndex` takes them: `{ 'context.user_id': 1, timestamp: -1 }`. */
  key: Record<string, mongo.IndexDirection>;
  /** What else `createIndex` takes: `unique`, `partialFilterExpression`, … */
  options?: mongo.CreateIndexesOptions;
}

/** How a time-series collection groups events. */
export interface MongoTimeSeries {
  /** The field by which events are grouped: `'name'`, or `'context'`. */
  metaField?: 'name' | 'context';
  /**
   * How far apart the events of one group are.
   *
   * @default the server's: seconds
   */
  granularity?: 'seconds' | 'minutes' | 'hours';
}

/** How and where a {@link MongoBackend} stores events, save for the connection. */
export interface MongoStorageOptions {
  /**
   * The collection.
   *
   * @default 'events'
   */
  collection?: string;
  /**
   * The collection of what is known of the types of events and contexts; false keeps none of it.
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
   * Indexes besides those on `timestamp` (descending) and `name`; false creates none at all.
   *
   * @default none besides
   */
  indexes?: readonly MongoIndex[] | false;
  /**
   * How long events are kept, in seconds.
   *
   * @remarks A change of it is followed; where it is taken away, the index has to be dropped by hand.
   * @default for ever
   */
  ttl?: number;
  /**
   * Makes the collection, where it does not exist, one of time series.
   *
   * @remarks Such collections do not enforce a unique `_id`: an event that is delivered twice is stored twice.
   * @default false
   */
  timeSeries?: MongoTimeSeries | boolean;
  /**
   * What has to hold before MongoDB acknowledges events; `w` of 0 is refused, because then nothing is known.
   *
   * @default the connection's
   */
  writeConcern?: mongo.WriteConcernSettings;
  /**
   * Inserts the events of a batch in order, and none after one that fails until that has been settled.
   *
   * @default false
   */
  ordered?: boolean;
  /**
   * Where it is said that the collection or its indexes could not be created.
   *
   * @default Nest's logger
   */
  logger?: DiagnosticLogger;
}

/** What a {@link MongoBackend} is made of. */
export interface MongoBackendOptions extends MongoStorageOptions {
  /** The connection, of `@nestjs/mongoose` (`getConnectionToken()`) or of Mongoose itself. */
  connection: Connection;
}

/** All options of where and how events are stored. */
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

/** @throws {@link ImproperlyConfigured} for what MongoDB or this library cannot work with */
export function checkMongoOptions(options: MongoStorageOptions): void {
  const { collection, database, ttl, writeConcern } = options;
  const metadataCollection = options.metadataCollection || undefined;
  for (const [key, name] of Object.entries({ collection, database, metadataCollection })) {
    if (name !== undefined && (typeof name !== 'string' || name === '')) {
      throw new ImproperlyConfigured(
        `MongoBackend: ${key} is a name, received ${describeValue(name)}.`,
      );
    }
  }
  if (ttl !== undefined && !(Number.isFinite(ttl) && ttl > 0)) {
    throw new ImproperlyConfigured(
      `MongoBackend: ttl is a number of seconds above 0, received ${describeValue(ttl)}.`,
    );
  }
  if (writeConcern?.w === 0) {
    throw new ImproperlyConfigured(
      `MongoBackend: a writeConcern with w: 0 acknowledges nothing, so that losses could not be counted. ` +
        `Leave it out, or say { w: 1 } or { w: 'majority' }.`,
    );
  }
}
