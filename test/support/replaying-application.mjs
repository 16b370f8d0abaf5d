/** An application for the command line whose destinations append their events to the file TAKEN. */
import { appendFileSync } from 'node:fs';
import { Module } from '@nestjs/common';
import { EventTrackingModule, PermanentDeliveryError, serializeEvent } from 'nestjs-event-tracking';

const takenBy = (name) => ({
  send(event) {
    if (event.name === process.env.REFUSED) throw new PermanentDeliveryError('it is refused');
    appendFileSync(process.env.TAKEN, `${name} ${serializeEvent(event)}\n`);
  },
});
const processors = [
  (event) => {
    event.context.processed = true;
  },
];

export class AppModule {}

Module({
  imports: [
    EventTrackingModule.forRoot({
      backends: {
        node: { processors, backends: { crm: takenBy('crm'), shop: takenBy('shop') } },
      },
    }),
  ],
})(AppModule);
