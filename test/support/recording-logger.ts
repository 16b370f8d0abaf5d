import type { LoggerService } from '@nestjs/common';

/** Keeps what is logged as a warning or an error, and says nothing. */
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
