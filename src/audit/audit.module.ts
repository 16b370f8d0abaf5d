import { Global, Module } from '@nestjs/common';
import { EventTrackingModule } from 'nestjs-event-tracking';
import { AuditTrail } from './audit-trail.service.js';
import { AccessDenied } from './audit.events.js';

@Global()
@Module({
  imports: [EventTrackingModule.forFeature([AccessDenied])],
  providers: [AuditTrail],
  exports: [AuditTrail],
})
export class AuditModule {}
