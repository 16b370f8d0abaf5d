import type { Connection } from 'mongoose';
import { checkOptions } from '../core/diagnostics/check-options.js';
import { DELIVERY_KEYS, type DeliveryOptions } from '../delivery/delivery-options.js';
import {
  checkMongoOptions,
  STORAGE_KEYS,
  type MongoStorageOptions,
} from './mongo-backend-options.js';
import { MongoBackend } from './mongo-backend.js';

/** The options of {@link mongoBackend}. */
export interface MongoDefinitionOptions<Delivery = object> extends MongoStorageOptions {
  /**
   * The name of the connection, if the application has several.
   *
   * @default the unnamed connection
   */
  connectionName?: string;
  /**
   * How events reach the database.
   *
   * @default batches of 1,000, four at once, up to 50,000 events on their way
   */
  delivery?: Delivery;
}

/** A {@link MongoBackend} on a connection of `@nestjs/mongoose`, for the tree of `EventTrackingModule`. */
export interface MongoBackendDefinition<Delivery = object> {
  useFactory: (connection: Connection) => MongoBackend;
  inject: string[];
  delivery: Delivery & Omit<DeliveryOptions, 'deadLetter'>;
}

const DELIVERY = { batchSize: 1_000, concurrency: 4, capacity: 50_000 } as const;

/**
 * Stores events in MongoDB, on a connection of the application's `MongooseModule`.
 *
 * @example
 * ```ts
 * EventTrackingModule.forRoot({
 *   backends: { mongo: mongoBackend({ collection: 'events', ttl: 90 * 24 * 3_600 }) },
 * })
 * ```
 * @throws {@link ImproperlyConfigured} for invalid options
 */
export function mongoBackend<Delivery extends object = object>(
  options: MongoDefinitionOptions<Delivery> = {},
): MongoBackendDefinition<Delivery> {
  checkOptions(options, 'mongoBackend', { connectionName: true, delivery: true, ...STORAGE_KEYS });
  const { connectionName, delivery = {}, ...storage } = options;
  checkOptions<DeliveryOptions>(delivery, 'mongoBackend: delivery', DELIVERY_KEYS);
  checkMongoOptions(storage);
  return {
    useFactory: (connection) => new MongoBackend({ ...storage, connection }),
    inject: [connectionToken(connectionName)],
    delivery: { ...DELIVERY, ...(delivery as Delivery) },
  };
}

/**
 * Returns the token of `getConnectionToken` of `@nestjs/mongoose`, without importing that package:
 * applications that create their own connection do not install it.
 */
function connectionToken(name: string | undefined): string {
  const unnamed = 'DatabaseConnection';
  return name === undefined || name === '' || name === unnamed ? unnamed : `${name}Connection`;
}
