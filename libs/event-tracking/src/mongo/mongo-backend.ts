import { Logger } from '@nestjs/common';
import type { mongo } from 'mongoose';
import type { Backend, Deadline, Outcome } from '../core/tree/backend.js';
import { checkOptions } from '../core/diagnostics/check-options.js';
import { checkPeerVersion } from '../core/diagnostics/check-peer-version.js';
import { describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import { untilAborted } from '../core/tree/until-aborted.js';
import { EventCollection } from './event-collection.js';
import type { EventDocument } from './event-document.js';
import { toMetadataDocument, type MetadataDocument } from './metadata-document.js';
import {
  checkMongoOptions,
  STORAGE_KEYS,
  type MongoBackendOptions,
} from './mongo-backend-options.js';
import {
  isDuplicate,
  isRejectedByDriver,
  classifyInsertError,
  expectStored,
  NOT_REACHED,
} from './mongo-failure.js';
import { storable, toReadableDocument } from './storable-documents.js';

const DEFAULT_METADATA_COLLECTION = 'event_types';

/**
 * Stores events in MongoDB, each once: an event's id is its document's `_id`.
 *
 * @remarks
 * - A batch is one unordered `insertMany`. An event that is already stored is a success. An event that MongoDB rejects (by a
 *   validator, or above 16 MB) does not affect the others.
 * - Keys with dots and dollars are stored as they are. `undefined` is omitted. Other values that BSON cannot hold become
 *   readable text. A dead letter that BSON cannot hold at all is stored as compressed JSON.
 * - The first batch creates the collection and starts to create its indexes. Failures to do so are logged.
 * - Closing the backend leaves the connection open.
 */
export class MongoBackend implements Backend {
  readonly #collection: EventCollection;
  readonly #writeOptions: mongo.InsertOneOptions;
  readonly #ordered: boolean;
  /** Stores a metadata record, each version once; absent if `metadataCollection` is false. */
  readonly register?: (record: MetadataRecord) => Promise<void>;

  /** @throws {@link ImproperlyConfigured} for an invalid connection or invalid options */
  constructor(options: MongoBackendOptions) {
    checkOptions(options, 'MongoBackend', { connection: true, ...STORAGE_KEYS });
    const {
      connection,
      writeConcern,
      ordered = false,
      metadataCollection = DEFAULT_METADATA_COLLECTION,
      logger = new Logger('MongoBackend'),
    } = options;
    if (typeof (connection as { asPromise?: unknown } | undefined)?.asPromise !== 'function') {
      throw new ImproperlyConfigured(
        `MongoBackend: connection must be a Mongoose connection; received ${describeValue(connection)}. In a Nest ` +
          `application use mongoBackend(), or inject getConnectionToken() of @nestjs/mongoose.`,
      );
    }
    checkPeerVersion('MongoBackend', {
      name: 'mongoose',
      version: (connection as { base?: { version?: unknown } }).base?.version,
      supported: [8, 9],
    });
    checkMongoOptions(options);
    this.#collection = new EventCollection(connection, options, logger);
    this.#ordered = ordered;
    this.#writeOptions = { writeConcern, ignoreUndefined: true };
    if (metadataCollection !== false) {
      this.register = (record) => this.#register(record, metadataCollection);
    }
  }

  async send(event: TrackingEvent): Promise<void> {
    const [outcome] = (await this.sendBatch([event])) ?? [];
    if (outcome?.ok === false) throw outcome.error;
  }

  async sendBatch(
    events: readonly TrackingEvent[],
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<void | readonly Outcome[]> {
    return this.#insert(events.map(toReadableDocument), signal);
  }

  /** Rejects when the database does not answer. */
  async check({ signal }: Deadline = {}): Promise<void> {
    const answer = this.#collection.database().then((database) => database.command({ ping: 1 }));
    await untilAborted(answer, signal);
    signal?.throwIfAborted();
  }

  /** Waits for indexes that are being created. Leaves the connection open. */
  async close({ signal }: Deadline = {}): Promise<void> {
    await untilAborted(this.#collection.indexed(), signal);
  }

  async #register(record: MetadataRecord, collection: string): Promise<void> {
    const database = await this.#collection.database();
    try {
      const records = database.collection<MetadataDocument>(collection);
      await records.insertOne(toMetadataDocument(record), this.#optionsFor(records));
    } catch (error) {
      if (!isDuplicate(error)) throw error; // another process has registered it
    }
  }

  /** A connection with w: 0 acknowledges nothing. */
  #optionsFor({ writeConcern }: { writeConcern?: mongo.WriteConcern }): mongo.InsertOneOptions {
    const options = this.#writeOptions;
    const isSilent = options.writeConcern === undefined && writeConcern?.w === 0;
    return isSilent ? { ...options, writeConcern: { w: 1 } } : options;
  }

  async #insert(
    documents: EventDocument[],
    signal: AbortSignal | undefined,
  ): Promise<void | readonly Outcome[]> {
    try {
      const collection = await this.#collection.open();
      signal?.throwIfAborted();
      // The driver's types omit the signal, which ends the search for a server and the wait for a connection.
      const options = { ...this.#optionsFor(collection), ordered: this.#ordered, signal };
      expectStored(await collection.insertMany(documents, options), documents.length);
    } catch (error) {
      signal?.throwIfAborted();
      if (isRejectedByDriver(error)) return this.#insertStorable(documents, error, signal);
      const outcomes = classifyInsertError(error, documents.length, this.#ordered);
      return this.#insertPastStored(documents, outcomes, signal);
    }
  }

  /** Continues an ordered batch that stopped at a document which is already stored. */
  async #insertPastStored(
    documents: EventDocument[],
    outcomes: readonly Outcome[],
    signal: AbortSignal | undefined,
  ): Promise<readonly Outcome[]> {
    const next = outcomes.indexOf(NOT_REACHED);
    if (next === -1 || outcomes[next - 1]?.ok !== true) return outcomes;
    const rest = documents.slice(next);
    const further = (await this.#insert(rest, signal)) ?? rest.map((): Outcome => ({ ok: true }));
    return [...outcomes.slice(0, next), ...further];
  }

  /** Inserts the documents that BSON can hold: the driver rejects a whole batch for one that it cannot. */
  async #insertStorable(
    documents: EventDocument[],
    rejection: unknown,
    signal: AbortSignal | undefined,
  ): Promise<readonly Outcome[]> {
    const checked = documents.map(storable);
    const good = checked.filter((document): document is EventDocument => !isError(document));
    if (
      good.length === documents.length &&
      good.every((each, index) => each === documents[index])
    ) {
      throw rejection; // no document is to blame
    }
    const inserted = good.length === 0 ? undefined : await this.#insert(good, signal);
    const outcomes = (inserted ?? good.map((): Outcome => ({ ok: true }))).values();
    return checked.map((document) =>
      isError(document) ? { ok: false, error: document, retryable: false } : outcomes.next().value!,
    );
  }
}

function isError(document: EventDocument | Error): document is Error {
  return document instanceof Error;
}
