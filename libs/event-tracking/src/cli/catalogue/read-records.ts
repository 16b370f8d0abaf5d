import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { recordsOf } from '../../catalogue/catalogue.js';
import { readCatalogue } from '../../catalogue/catalogue-json.js';
import { readRecord } from '../../catalogue/read-record.js';
import { describeError } from '../../core/diagnostics/describe.js';
import type { MetadataRecord } from '../../core/event-types/metadata-record.js';
import { connectMongo } from '../connect-mongo.js';
import { readLogLine } from '../lines/log-line.js';
import { readLines } from '../lines/read-lines.js';
import type { Problems } from '../problems.js';
import { UsageError } from '../usage-error.js';

/**
 * Reads the metadata records of a source.
 *
 * @param problems - receives records that cannot be read
 * @throws {@link UsageError} if the source does not exist, or its peer dependency is not installed
 */
export async function readRecords(
  from: string,
  collection: string,
  problems: Problems,
): Promise<MetadataRecord[]> {
  if (/^mongodb(\+srv)?:/.test(from)) return recordsOfMongo(from, collection);
  if (from === '-') return recordsOfLines(process.stdin, 'the standard input', problems);
  try {
    if (!from.endsWith('.json'))
      return await recordsOfLines(createReadStream(from), from, problems);
    return recordsOf(readCatalogue(withoutMark(await readFile(from, 'utf8'))));
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

/** Reads the records of a log; reports malformed records, and a log without any. */
async function recordsOfLines(
  stream: Readable,
  name: string,
  problems: Problems,
): Promise<MetadataRecord[]> {
  const records: MetadataRecord[] = [];
  for await (const { place, text } of readLines(stream, name)) {
    if (text?.includes('metadata_record') !== true) continue;
    try {
      const record = recordIn(text);
      if (record !== undefined) records.push(readRecord(record));
    } catch (error) {
      problems.add(`Skipped ${place}. ${describeError(error)}.`);
    }
  }
  if (records.length === 0) problems.add(`--from: ${name} contains no metadata records.`);
  return records;
}

/** Returns the record in a line. Other lines of a log need not be events. */
function recordIn(text: string): unknown {
  try {
    const entry = readLogLine(text);
    return entry.kind === 'record' ? entry.record : undefined;
  } catch {
    return undefined;
  }
}

/** Editors on Windows begin files with a byte order mark, which JSON does not allow. */
function withoutMark(text: string): string {
  return text.replace(/^\ufeff/, '');
}
