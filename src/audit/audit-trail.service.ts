import { Injectable } from '@nestjs/common';
import { InjectTracker, Tracker } from 'nestjs-event-tracking';

/** What the audit trail records, as methods: so no caller can misspell an event or forget its data. */
@Injectable()
export class AuditTrail {
  constructor(@InjectTracker('audit') private readonly tracker: Tracker) {}

  accessDenied(reason: string): void {
    this.tracker.emit('access.denied', { reason });
  }

  courseClosed(seatsTaken: number): void {
    this.tracker.emit('course.closed', { seats_taken: seatsTaken });
  }
}
