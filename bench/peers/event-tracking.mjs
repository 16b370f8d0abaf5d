import { ClsContextLocator, DeliveringBackend, Tracker } from 'nestjs-event-tracking';
import { SegmentBackend, segmentBackend } from 'nestjs-event-tracking/segment';
import { context, data, NAME } from '../standard-event.mjs';
import { HttpBackend } from './http-backend.mjs';

function clientWith(backend) {
  const contextLocator = new ClsContextLocator();
  const tracker = new Tracker({ backends: { backend }, contextLocator });
  return {
    inContext: (work) => tracker.context('request', context(), work),
    emit: () => tracker.emit(NAME, data()),
    flush: () => tracker.flush(),
    close: () => tracker.close(),
  };
}

/** Sends to a custom backend behind the library's queue. */
export const eventTracking = {
  name: 'nestjs-event-tracking, own HTTP backend',
  path: '/events',
  open: (host, delivery) =>
    clientWith(new DeliveringBackend(new HttpBackend(`${host}/events`), delivery)),
};

/** Sends to the same backend in batches as large as OpenTelemetry's. */
export const eventTrackingInLargeBatches = {
  ...eventTracking,
  name: 'nestjs-event-tracking, the same in batches of 512',
  settings: () => ({ batchSize: 512 }),
};

/** Sends to Segment through its client. */
export const eventTrackingToSegment = {
  name: 'nestjs-event-tracking, SegmentBackend',
  path: '/v1/batch',
  open(host) {
    const settings = { writeKey: 'key', host };
    const { delivery } = segmentBackend(settings);
    return clientWith(new DeliveringBackend(new SegmentBackend(settings), delivery));
  },
};
