import { escapeLineBreaks } from './escape-line-breaks.js';
import { isThenable } from './is-thenable.js';

/** Logs a tracker's warnings and errors: the methods that Nest's logger, pino and the console share. */
export interface DiagnosticLogger {
  warn(message: string): void;
  error(message: string): void;
}

const WINDOW_MS = 60_000;
const BURST = 10;
const MAX_SUBJECTS = 1_000;
/** Collects further subjects when there are too many. */
const FURTHER_SUBJECTS = 'further subjects';

interface Subject {
  windowStart: number;
  logged: number;
  suppressed: number;
}

/** How often one subject is spoken of. */
export interface ReportOptions {
  /**
   * The number of messages about the subject that are logged per minute; the next one after that tells how many were suppressed.
   *
   * @default 10
   */
  burst?: number;
}

/**
 * Logs warnings and errors without flooding the log, and tells how many were suppressed.
 *
 * @remarks Never throws, for any behaviour of the logger.
 */
export class Diagnostics {
  readonly #subjects = new Map<string, Subject>();

  constructor(readonly logger: DiagnosticLogger = console) {}

  /** Reports an event that was lost, or a fault that may lose events. */
  error(subject: string, message: string, options?: ReportOptions): void {
    this.#report('error', subject, message, options);
  }

  /** Reports a probable mistake that loses no event. */
  warn(subject: string, message: string, options?: ReportOptions): void {
    this.#report('warn', subject, message, options);
  }

  #report(
    level: 'warn' | 'error',
    key: string,
    message: string,
    { burst = BURST }: ReportOptions = {},
  ): void {
    const subject = this.#subjectOf(key);
    if (subject.logged >= burst) {
      subject.suppressed++;
      return;
    }
    subject.logged++;
    this.#log(level, message);
  }

  #subjectOf(key: string): Subject {
    const now = performance.now(); // the wall clock may be set back
    const subject = this.#subjects.get(key);
    if (subject !== undefined && now - subject.windowStart < WINDOW_MS) return subject;
    this.#forgetPast(now);
    if (this.#subjects.size >= MAX_SUBJECTS && key !== FURTHER_SUBJECTS) {
      return this.#subjectOf(FURTHER_SUBJECTS);
    }
    const fresh = { windowStart: now, logged: 0, suppressed: 0 };
    this.#subjects.set(key, fresh);
    return fresh;
  }

  /** Reports suppressed messages so far; called when a tracker is flushed or closed. */
  settle(): void {
    for (const [key, subject] of this.#subjects) {
      const { suppressed } = subject;
      subject.suppressed = 0;
      if (suppressed > 0) this.#reportSuppressed(key, suppressed);
    }
  }

  /** Forgets the subjects whose minute is over; subjects stand in the order in which theirs began. */
  #forgetPast(now: number): void {
    for (const [key, { windowStart, suppressed }] of this.#subjects) {
      if (now - windowStart < WINDOW_MS) return;
      this.#subjects.delete(key);
      if (suppressed > 0) this.#reportSuppressed(key, suppressed);
    }
  }

  #reportSuppressed(key: string, count: number): void {
    this.#log('warn', `${count} more like the above were not logged one by one (${key}).`);
  }

  #log(level: 'warn' | 'error', message: string): void {
    try {
      const logged: unknown = this.logger[level](escapeLineBreaks(message));
      if (isThenable(logged)) Promise.resolve(logged).catch(() => {});
    } catch {
      // A logger that throws has nobody left to tell.
    }
  }
}
