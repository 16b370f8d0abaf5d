import type { ModuleMetadata } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import type { BackendDefinition } from 'nestjs-event-tracking';
import { mongoBackend } from 'nestjs-event-tracking/mongo';
import { EventFile } from './event-file.js';

const mongoUri = process.env['MONGODB_URI'];

/** Where events are kept: in MongoDB where there is one, else in a file. */
export const warehouse: BackendDefinition =
  mongoUri === undefined
    ? { useFactory: () => new EventFile(eventFile()), delivery: { flushInterval: 200 } }
    : mongoBackend();

/** What the warehouse needs. */
export const warehouseImports: NonNullable<ModuleMetadata['imports']> =
  mongoUri === undefined ? [] : [MongooseModule.forRoot(mongoUri)];

/** Says where events are kept. */
export function placeOfEvents(): string {
  return mongoUri === undefined
    ? `the file ${eventFile()}`
    : `the collection 'events' of ${new URL(mongoUri).host}`;
}

function eventFile(): string {
  return process.env['EVENTS_FILE'] ?? 'events.ndjson';
}
