import { Injectable } from '@nestjs/common';
import { InjectTracker, Tracker } from 'nestjs-event-tracking';
import { CourseClosed } from '../courses/course.events.js';
import { AccessDenied } from './audit.events.js';

/** What the audit trail records, as methods: so no caller can misspell an event or forget its data. */
@Injectable()
export class AuditTrail {
  constructor(@InjectTracker('audit') private readonly tracker: Tracker) {}

  accessDenied(reason: string): void {
    this.tracker.emit(AccessDenied, { reason });
  }

  courseClosed(seatsTaken: number): void {
    this.tracker.emit(CourseClosed, { seats_taken: seatsTaken });
  }
}
