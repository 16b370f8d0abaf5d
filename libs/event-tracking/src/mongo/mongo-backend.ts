import { Logger } from '@nestjs/common';
import type { mongo } from 'mongoose';
import type { Backend, Deadline, Outcome } from '../core/tree/backend.js';
import { checkOptions } from '../core/diagnostics/check-options.js';
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
  isRefusedByDriver,
  judgeInsertFailure,
  NOT_REACHED,
} from './mongo-failure.js';
import { storable, toReadableDocument } from './storable-documents.js';

const DEFAULT_METADATA_COLLECTION = 'event_types';

/**
 * Stores events in MongoDB, acknowledged and each once: an event's id is its document's `_id`.
 *
 * @remarks
 * - A batch is one unordered `insertMany`. An event that is stored already is a success; one that MongoDB refuses (a
 *   validator, more than 16 MB) does not sink the others.
 * - Keys with dots and dollars are stored as they are. `undefined` is left out; what a processor added and BSON cannot hold
 *   becomes readable, as in the data of an event.
 * - The collection is created with the first batch, its indexes beside the work; that they could not be is logged.
 * - The connection belongs to whoever made it: closing the backend leaves it open.
 */
export class MongoBackend implements Backend {
  readonly #collection: EventCollection;
  readonly #writeOptions: mongo.InsertOneOptions;
  readonly #ordered: boolean;
  /** Keeps a metadata record, each version once, unless `metadataCollection` is false. */
  readonly register?: (record: MetadataRecord) => Promise<void>;

  /** @throws {@link ImproperlyConfigured} for what is no connection, and for options that cannot work */
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
        `MongoBackend: connection is one of Mongoose, received ${describeValue(connection)}. In a Nest application use ` +
          `mongoBackend(), or inject getConnectionToken() of @nestjs/mongoose.`,
      );
    }
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

  async sendBatch(events: readonly TrackingEvent[]): Promise<void | readonly Outcome[]> {
    return this.#insert(events.map(toReadableDocument));
  }

  /** Rejects when the database does not answer. */
  async check({ signal }: Deadline = {}): Promise<void> {
    const answer = this.#collection.database().then((database) => database.command({ ping: 1 }));
    await untilAborted(answer, signal);
    signal?.throwIfAborted();
  }

  /** Waits for indexes that are being created; the connection stays open. */
  async close({ signal }: Deadline = {}): Promise<void> {
    await untilAborted(this.#collection.indexed(), signal);
  }

  async #register(record: MetadataRecord, collection: string): Promise<void> {
    const database = await this.#collection.database();
    try {
      const records = database.collection<MetadataDocument>(collection);
      await records.insertOne(toMetadataDocument(record), this.#writeOptions);
    } catch (error) {
      if (!isDuplicate(error)) throw error; // one that the fleet registered before is there already
    }
  }

  async #insert(documents: EventDocument[]): Promise<void | readonly Outcome[]> {
    try {
      const collection = await this.#collection.open();
      await collection.insertMany(documents, { ...this.#writeOptions, ordered: this.#ordered });
    } catch (error) {
      if (isRefusedByDriver(error)) return this.#insertStorable(documents, error);
      const outcomes = judgeInsertFailure(error, documents.length, this.#ordered);
      return this.#insertPastStored(documents, outcomes);
    }
  }

  /** Goes on with an ordered batch that was stopped by a document which is stored already. */
  async #insertPastStored(
    documents: EventDocument[],
    outcomes: readonly Outcome[],
  ): Promise<readonly Outcome[]> {
    const next = outcomes.indexOf(NOT_REACHED);
    if (next === -1 || outcomes[next - 1]?.ok !== true) return outcomes;
    const rest = documents.slice(next);
    const further = (await this.#insert(rest)) ?? rest.map((): Outcome => ({ ok: true }));
    return [...outcomes.slice(0, next), ...further];
  }

  /** The driver refuses a batch whole for one document: those that BSON can hold are inserted. */
  async #insertStorable(documents: EventDocument[], refusal: unknown): Promise<readonly Outcome[]> {
    const judged = documents.map(storable);
    const good = judged.filter((document): document is EventDocument => !isFault(document));
    if (
      good.length === documents.length &&
      good.every((each, index) => each === documents[index])
    ) {
      throw refusal; // whatever it refused, it was none of them
    }
    const inserted = good.length === 0 ? undefined : await this.#insert(good);
    const outcomes = (inserted ?? good.map((): Outcome => ({ ok: true }))).values();
    return judged.map((document) =>
      isFault(document) ? { ok: false, error: document, retryable: false } : outcomes.next().value!,
    );
  }
}

function isFault(document: EventDocument | Error): document is Error {
  return document instanceof Error;
}
