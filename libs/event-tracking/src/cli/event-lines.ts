import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { describeError } from '../core/diagnostics/describe.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { EventSource } from './event-source.js';
import { readLogLine } from './lines/log-line.js';
import { readLines } from './lines/read-lines.js';
import type { Problems } from './problems.js';

/**
 * Reads the events of a log. Skips metadata records and other messages of a logger; reports all
 * other lines, and a log without any event.
 */
export class EventLines implements EventSource {
  constructor(
    private readonly stream: Readable,
    private readonly name: string,
    private readonly problems: Problems,
  ) {}

  static ofFile(path: string, problems: Problems): EventLines {
    return new EventLines(createReadStream(path), path, problems);
  }

  async *read(): AsyncGenerator<TrackingEvent> {
    const counts = { event: 0, record: 0, message: 0 };
    for await (const { place, text } of readLines(this.stream, this.name)) {
      if (text?.trim() === '') continue;
      try {
        if (text === undefined) throw new Error('it must be encoded in UTF-8');
        const entry = readLogLine(text);
        counts[entry.kind]++;
        if (entry.kind === 'event') yield entry.event;
      } catch (error) {
        this.problems.add(`Skipped ${place}. ${describeError(error)}.`);
      }
    }
    if (counts.message > 0) {
      this.problems.warn(`Skipped ${counts.message} log messages that are not events.`);
    }
    if (counts.event === 0) {
      this.problems.add(
        `--from: ${this.name} contains no events (metadata records: ${counts.record}).`,
      );
    }
  }

  async close(): Promise<void> {
    this.stream.destroy();
  }
}
