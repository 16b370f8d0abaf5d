import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { describeError } from '../core/diagnostics/describe.js';
import type { TrackingEvent } from '../core/event/event.js';
import { parseEvent, parseTimestamp } from '../core/event/serialize-event.js';
import { isDeadLetter } from '../delivery/dead-letter.js';
import type { EventSource } from './event-source.js';

const METADATA_RECORD = '{"metadata_record":';

/**
 * Reads the events of a log of JSON lines. Skips metadata records; skips other lines with a
 * warning.
 */
export class EventLines implements EventSource {
  constructor(private readonly stream: Readable) {}

  static ofFile(path: string): EventLines {
    return new EventLines(createReadStream(path));
  }

  async *read(): AsyncGenerator<TrackingEvent> {
    let number = 0;
    for await (const line of createInterface({ input: this.stream, crlfDelay: Infinity })) {
      number++;
      if (line.trim() === '' || line.startsWith(METADATA_RECORD)) continue;
      const event = read(line, number);
      if (event !== undefined) yield event;
    }
  }

  async close(): Promise<void> {
    this.stream.destroy();
  }
}

function read(line: string, number: number): TrackingEvent | undefined {
  try {
    const event = parseEvent(line);
    if (!isDeadLetter(event)) return event;
    const { dead_letter: note } = event;
    return Object.assign(event, { dead_letter: { ...note, time: parseTimestamp(note.time) } });
  } catch (error) {
    console.error(`Skipped line ${number}. ${describeError(error)}.`);
    return undefined;
  }
}
