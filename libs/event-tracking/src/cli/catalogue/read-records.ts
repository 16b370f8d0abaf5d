import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { recordsOf } from '../../catalogue/catalogue.js';
import { readCatalogue } from '../../catalogue/catalogue-json.js';
import { readRecord } from '../../catalogue/read-record.js';
import { describeError } from '../../core/diagnostics/describe.js';
import { isPlainObject } from '../../core/event/event.js';
import type { MetadataRecord } from '../../core/event-types/metadata-record.js';
import { connectMongo } from '../connect-mongo.js';
import { UsageError } from '../usage-error.js';

/**
 * Reads the metadata records of a source.
 *
 * @throws {@link UsageError} if the source does not exist, or its peer dependency is not installed
 */
export async function readRecords(from: string, collection: string): Promise<MetadataRecord[]> {
  if (/^mongodb(\+srv)?:/.test(from)) return recordsOfMongo(from, collection);
  if (from === '-') return recordsOfLines(process.stdin);
  try {
    if (!from.endsWith('.json')) return await recordsOfLines(createReadStream(from));
    return recordsOf(readCatalogue(await readFile(from, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new UsageError(
      `--from: no file '${from}'. Other sources are a mongodb:// URL, or - for the standard input.`,
    );
  }
}

async function recordsOfMongo(from: string, collection: string): Promise<MetadataRecord[]> {
  const connection = await connectMongo(from);
  try {
    const documents = await connection.collection(collection).find().toArray();
    return documents.map(readRecord);
  } finally {
    await connection.close();
  }
}

/** Reads the records of a log. Skips other lines, and warns about malformed records. */
async function recordsOfLines(stream: Readable): Promise<MetadataRecord[]> {
  const records: MetadataRecord[] = [];
  let number = 0;
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
    number++;
    const record = recordIn(line);
    if (record === undefined) continue;
    try {
      records.push(readRecord(record));
    } catch (error) {
      console.error(`Skipped line ${number}. ${describeError(error)}.`);
    }
  }
  return records;
}

function recordIn(line: string): unknown {
  if (!line.includes('"metadata_record"')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return isPlainObject(value) ? value['metadata_record'] : undefined;
  } catch {
    return undefined;
  }
}
