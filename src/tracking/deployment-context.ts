import { hostname } from 'node:os';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Tracker } from 'nestjs-event-tracking';
import { Deployment } from './contexts.js';

/** What holds for the whole process: entered at boot, outside of any request, it is on every event. */
@Injectable()
export class DeploymentContext implements OnModuleInit {
  constructor(private readonly tracker: Tracker) {}

  onModuleInit(): void {
    const release = process.env['RELEASE'] ?? 'development';
    this.tracker.enterContext(Deployment, { release, server: hostname() });
  }
}
