import type { Connection } from 'mongoose';
import type { TrackingEvent } from '../core/event/event.js';
import {
  deadLetterKey,
  isDeadLetter,
  type DeadLetter,
  type DeadLetterStore,
} from '../delivery/dead-letter.js';
import type { EventDocument } from './event-document.js';
import { unpackLetter } from './packed-letter.js';

/** Reads and removes the dead letters in a collection that a {@link MongoBackend} has filled. */
export class MongoDeadLetters implements DeadLetterStore {
  /**
   * @param connection - closed together with the store
   * @param collection - the name of the collection
   */
  constructor(
    private readonly connection: Connection,
    private readonly collection: string,
  ) {}

  async *read(): AsyncGenerator<DeadLetter> {
    const documents = this.connection
      .collection<EventDocument>(this.collection)
      .find({ dead_letter: { $exists: true } }, { sort: { 'dead_letter.time': 1, _id: 1 } });
    for await (const document of documents) {
      const letter = eventOf(unpackLetter(document));
      if (isDeadLetter(letter)) yield letter;
    }
  }

  async remove(letters: readonly DeadLetter[]): Promise<void> {
    await this.connection
      .collection<EventDocument>(this.collection)
      .deleteMany({ _id: { $in: letters.map(deadLetterKey) } });
  }

  async close(): Promise<void> {
    await this.connection.close();
  }
}

function eventOf({ _id, ...rest }: EventDocument): TrackingEvent {
  const event: TrackingEvent = { id: _id, ...rest };
  if (!isDeadLetter(event)) return event;
  const suffix = deadLetterKey({ ...event, id: '' });
  return { ...event, id: _id.slice(0, -suffix.length) };
}
