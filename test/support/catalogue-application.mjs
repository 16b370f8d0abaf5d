/** An application as the command line starts it, whose two trackers hold the records of a course application. */
import { Inject, Module } from '@nestjs/common';
import { EventTrackingModule, getTrackerToken, Tracker } from 'nestjs-event-tracking';
import { RECORDS } from './course-records.mjs';

const isAudited = ({ name }) => name.startsWith('payment.');

export class AppModule {
  constructor(tracker, audit) {
    hold(
      tracker,
      RECORDS.filter((record) => !isAudited(record)),
    );
    hold(audit, RECORDS.filter(isAudited));
  }
}

Inject(Tracker)(AppModule, undefined, 0);
Inject(getTrackerToken('audit'))(AppModule, undefined, 1);
Module({
  imports: [EventTrackingModule.forRoot({ trackers: { audit: { backends: {} } } })],
})(AppModule);

export class UntrackedModule {}

Module({})(UntrackedModule);

function hold(tracker, records) {
  Object.defineProperty(tracker, 'records', { value: records });
}
