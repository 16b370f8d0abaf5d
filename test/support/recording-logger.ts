import type { LoggerService } from '@nestjs/common';

/** Records warnings and errors, and prints nothing. */
export class RecordingLogger implements LoggerService {
  readonly complaints: string[] = [];

  log(): void {}

  warn(message: unknown): void {
    this.complaints.push(String(message));
  }

  error(message: unknown): void {
    this.complaints.push(String(message));
  }
}
