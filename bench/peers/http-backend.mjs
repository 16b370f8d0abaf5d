import { PermanentDeliveryError, RetryableDeliveryError } from 'nestjs-event-tracking';

/** A custom backend that sends batches of events as JSON. */
export class HttpBackend {
  constructor(url) {
    this.url = url;
  }

  send(event) {
    return this.sendBatch([event]);
  }

  async sendBatch(events, options) {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(events),
      ...options,
    });
    await response.arrayBuffer();
    if (response.status >= 500) throw new RetryableDeliveryError(`status ${response.status}`);
    if (!response.ok) throw new PermanentDeliveryError(`status ${response.status}`);
  }
}
