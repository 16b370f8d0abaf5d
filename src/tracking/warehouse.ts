import type { ModuleMetadata } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import type { BackendDefinition } from 'nestjs-event-tracking';
import { mongoBackend } from 'nestjs-event-tracking/mongo';
import { EventFile } from './event-file.js';

const mongoUri = process.env['MONGODB_URI'];

/** Stores events in MongoDB if configured, otherwise in a file. */
export const warehouse: BackendDefinition =
  mongoUri === undefined
    ? { useFactory: () => new EventFile(eventFile()), delivery: { flushInterval: 200 } }
    : mongoBackend();

/** The modules that the warehouse imports. */
export const warehouseImports: NonNullable<ModuleMetadata['imports']> =
  mongoUri === undefined ? [] : [MongooseModule.forRoot(mongoUri)];

/** Describes the location of the stored events. */
export function warehouseLocation(): string {
  return mongoUri === undefined
    ? `the file ${eventFile()}`
    : `the collection 'events' of ${new URL(mongoUri).host}`;
}

function eventFile(): string {
  return process.env['EVENTS_FILE'] ?? 'events.ndjson';
}
