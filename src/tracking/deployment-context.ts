import { hostname } from 'node:os';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Tracker } from 'nestjs-event-tracking';
import { Deployment } from './contexts.js';

/** Enters the process context at boot, outside any request, so that every event carries it. */
@Injectable()
export class DeploymentContext implements OnModuleInit {
  constructor(private readonly tracker: Tracker) {}

  onModuleInit(): void {
    const release = process.env['RELEASE'] ?? 'development';
    this.tracker.enterContext(Deployment, { release, server: hostname() });
  }
}
