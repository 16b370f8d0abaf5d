/**
 * An application with a queue on disk and a slow destination. Emits numbers until it is killed, or
 * delivers the events that an earlier process left.
 *
 * Arguments: the directory of the queue, the file of the destination, the file that logs emitted
 * numbers, the first number or `drain`, and the sync interval in milliseconds.
 */
import { appendFile } from 'node:fs/promises';
import { openSync, writeSync } from 'node:fs';
import { AsyncRoutingBackend, Tracker } from 'nestjs-event-tracking';
import { DiskEventQueue } from 'nestjs-event-tracking/disk';

const [directory, destination, emitted, first, interval] = process.argv.slice(2);
const BURST = 20;
const PAUSE_MS = 4;

const file = {
  async send(event) {
    await appendFile(destination, `${event.data.number}\n`);
  },
};
const tracker = new Tracker({
  backends: {
    node: new AsyncRoutingBackend({
      queue: new DiskEventQueue({ directory, syncInterval: Number(interval) }),
      backends: { file },
    }),
  },
});

if (first === 'drain') {
  await tracker.flush();
  await tracker.close();
} else {
  const log = openSync(emitted, 'a');
  let number = Number(first);
  setInterval(() => {
    for (let each = 0; each < BURST; each++) tracker.emit('counted', { number: number++ });
    writeSync(log, `${number - 1} ${Date.now()}\n`);
  }, PAUSE_MS);
}
