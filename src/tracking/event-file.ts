import { appendFile } from 'node:fs/promises';
import { serializeEvent, type Backend, type TrackingEvent } from 'nestjs-event-tracking';

/** Appends events to a file as JSON lines. A backend that is faster in bulk also has `sendBatch`. */
export class EventFile implements Backend {
  constructor(readonly path: string) {}

  async send(event: TrackingEvent): Promise<void> {
    await this.sendBatch([event]);
  }

  async sendBatch(events: readonly TrackingEvent[]): Promise<void> {
    const text = events.map((event) => `${serializeEvent(event)}\n`).join('');
    await appendFile(this.path, text, { mode: 0o600 }); // events may contain personal data
  }
}
