import { Injectable } from '@nestjs/common';
import { InjectTracker, Tracker } from 'nestjs-event-tracking';
import { CourseClosed } from '../courses/course.events.js';
import { AccessDenied } from './audit.events.js';

/** Emits audit events through methods, so that no caller can misspell a name or forget data. */
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
