import { describeValue } from './describe.js';
import { ImproperlyConfigured } from './errors.js';
import { messageText } from './message-text.js';

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

/** Limits how often one subject is logged. */
export interface ReportOptions {
  /**
   * The number of messages about the subject that are logged per minute. The first message after
   * that minute is preceded by the number of suppressed ones.
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

  /** @throws {@link ImproperlyConfigured} if the logger lacks a method */
  constructor(readonly logger: DiagnosticLogger = console) {
    checkLogger(logger);
  }

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
    const now = Date.now();
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

  /** Logs how many messages were suppressed so far; called when a tracker is flushed or closed. */
  reportSuppressed(): void {
    for (const [key, subject] of this.#subjects) {
      const { suppressed } = subject;
      subject.suppressed = 0;
      if (suppressed > 0) this.#logSuppressed(key, suppressed);
    }
  }

  /** Forgets the subjects whose minute is over. The map holds them in the order in which it began. */
  #forgetPast(now: number): void {
    for (const [key, { windowStart, suppressed }] of this.#subjects) {
      if (now - windowStart < WINDOW_MS) return;
      this.#subjects.delete(key);
      if (suppressed > 0) this.#logSuppressed(key, suppressed);
    }
  }

  #logSuppressed(key: string, count: number): void {
    const messages = count === 1 ? 'similar message was' : 'similar messages were';
    this.#log('warn', `${count} more ${messages} suppressed (${key}).`);
  }

  #log(level: 'warn' | 'error', message: string): void {
    try {
      const logged: unknown = this.logger[level](messageText(message));
      if (logged instanceof Promise) logged.catch(() => {});
    } catch {
      // There is no other logger to report it to.
    }
  }
}

/** A logger that lacks a method would fail silently at the first message. */
function checkLogger(logger: unknown): void {
  const candidate = logger as Partial<Record<'warn' | 'error', unknown>> | null;
  const hasMethods = typeof candidate?.warn === 'function' && typeof candidate.error === 'function';
  if (hasMethods) return;
  throw new ImproperlyConfigured(
    `logger must be an object with the methods warn(message) and error(message); received ${describeValue(logger)}. ` +
      `Pass a logger of Nest, pino or winston, or the console.`,
  );
}
