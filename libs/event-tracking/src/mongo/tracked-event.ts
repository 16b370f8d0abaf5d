import { Schema } from 'mongoose';
import type { EventContext, EventData } from '../core/event/event.js';
import { DEFAULT_COLLECTION } from './event-collection.js';

/**
 * The form of an event in MongoDB, for queries through a Mongoose model.
 *
 * @example
 * ```ts
 * MongooseModule.forFeature([{ name: TrackedEvent.name, schema: TrackedEventSchema }])
 *
 * constructor(@InjectModel(TrackedEvent.name) private readonly events: Model<TrackedEvent>) {}
 * ```
 */
export class TrackedEvent {
  /** The event's id. */
  _id!: string;
  name!: string;
  timestamp!: Date;
  context!: EventContext;
  data!: EventData;
  name_id?: string;
  context_type_id?: string;
}

/**
 * The schema of {@link TrackedEvent} for the collection `events`. Pass `collection` to `forFeature` for another one.
 *
 * @remarks The backend creates the collection and its indexes; the model creates neither.
 */
export const TrackedEventSchema = new Schema<TrackedEvent>(
  {
    _id: { type: String, required: true },
    name: { type: String, required: true },
    timestamp: { type: Date, required: true },
    context: { type: Schema.Types.Mixed, default: () => ({}) },
    data: { type: Schema.Types.Mixed, default: () => ({}) },
    name_id: String,
    context_type_id: String,
  },
  {
    collection: DEFAULT_COLLECTION,
    autoCreate: false,
    autoIndex: false,
    minimize: false,
    strict: false,
    versionKey: false,
  },
);
