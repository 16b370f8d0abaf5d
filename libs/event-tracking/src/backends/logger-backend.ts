import { Logger } from '@nestjs/common';
import type { Backend } from '../core/tree/backend.js';
import { checkOptions, type KeysOf } from '../core/diagnostics/check-options.js';
import { describeValue, quoteName } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured, PermanentDeliveryError } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import { isThenable } from '../core/diagnostics/is-thenable.js';
import { serializeEvent } from '../core/event/serialize-event.js';
import { truncateEvent } from './truncate-event.js';

/** A logger like Nest's, winston or the console: each level is a method that takes a line. */
export interface NestLikeLogger {
  log(message: string): unknown;
}

/** A logger like pino: each level is a method that takes an object. */
export interface PinoLikeLogger {
  info(object: object): unknown;
}

const NEST_LEVELS = ['verbose', 'debug', 'log', 'warn', 'error', 'fatal'] as const;
const PINO_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/** A log level of Nest or of pino. */
export type LoggerLevel = (typeof NEST_LEVELS)[number] | (typeof PINO_LEVELS)[number];

/** The options of a {@link LoggerBackend}. */
export interface LoggerBackendOptions {
  /**
   * The logger. A logger like Nest's, with `log` but without `info`, receives a line. A logger like
   * pino, with `info` but without `log`, receives the object `{ event }` with its timestamp in
   * RFC 3339. A logger with both, like winston and the console, receives a line by `info`, because
   * `log` may expect a level first.
   *
   * @default Nest's logger with the context 'Events'
   */
  logger?: NestLikeLogger | PinoLikeLogger;
  /**
   * The level at which events are logged, by its name in Nest or in pino.
   *
   * @default 'log', which pino calls 'info'
   */
  level?: LoggerLevel;
  /**
   * Writes an event as a line. If set, a logger like pino receives the line, too.
   *
   * @default serializeEvent
   */
  serialize?: (event: TrackingEvent) => string;
  /**
   * The maximum size of a line, in bytes of UTF-8.
   *
   * @default no limit
   */
  maxEventSize?: number;
  /**
   * How larger events are treated: `warn` logs them with a warning, `truncate` cuts them to valid
   * JSON within the limit and marks them with `truncated: true`, `drop` drops, counts and reports
   * them.
   *
   * @default 'warn'
   */
  oversize?: 'warn' | 'truncate' | 'drop';
  /**
   * Whether to log the metadata records of event and context types too, as `{ metadata_record }`,
   * at the same level, once per process.
   *
   * @default true
   */
  metadata?: boolean;
}

const OPTION_KEYS: KeysOf<LoggerBackendOptions> = {
  logger: true,
  level: true,
  serialize: true,
  maxEventSize: true,
  oversize: true,
  metadata: true,
};
/** The smallest limit that leaves room for a truncated event. */
const MIN_EVENT_SIZE = 192;

/**
 * Logs one line per event, and one per event or context type.
 *
 * @example
 * ```ts
 * new LoggerBackend({
 *   logger: pino(),
 *   level: 'info',
 *   maxEventSize: 64 * 1024,
 *   oversize: 'truncate',
 * })
 * ```
 */
export class LoggerBackend implements Backend {
  readonly #write: (entry: string | object) => unknown;
  readonly #warn: ((message: string) => unknown) | undefined;
  readonly #logsObjects: boolean;
  readonly #serialize: (event: TrackingEvent) => string;
  readonly #maxEventSize: number | undefined;
  readonly #oversize: 'warn' | 'truncate' | 'drop';
  /** Logs a metadata record, unless `metadata` is false. */
  readonly register?: (record: MetadataRecord) => Promise<void>;

  /** @throws {@link ImproperlyConfigured} if an option is invalid */
  constructor(options: LoggerBackendOptions = {}) {
    checkOptions(options, 'LoggerBackend', OPTION_KEYS);
    const logger: unknown = options.logger ?? new Logger('Events');
    const [hasLog, hasInfo] = [hasMethod(logger, 'log'), hasMethod(logger, 'info')];
    if (!hasLog && !hasInfo) {
      throw new ImproperlyConfigured(
        `LoggerBackend: logger must be a logger like Nest's (with log), or like pino or winston (with info); ` +
          `received ${describeValue(logger)}. Pass an instance, or omit the option for Nest's logger.`,
      );
    }
    this.#logsObjects = !hasLog && options.serialize === undefined;
    const level = levelOf(options.level ?? 'log', hasInfo ? PINO_LEVELS : NEST_LEVELS);
    this.#write = methodOf(logger, checkedMethod(logger, level));
    this.#warn = hasMethod(logger, 'warn') ? methodOf(logger, 'warn') : undefined;
    this.#serialize = checkedSerialize(options.serialize ?? serializeEvent);
    this.#maxEventSize = checkedLimit(options.maxEventSize);
    this.#oversize = checkedOversize(options.oversize ?? 'warn');
    if (options.metadata !== false) this.register = (record) => this.#register(record);
  }

  /**
   * Logs an event; if the logger returns a promise, resolves when that resolves.
   *
   * @throws {@link PermanentDeliveryError} if the event is too large and `oversize` is 'drop';
   * errors of the logger are rethrown
   */
  send(event: TrackingEvent): void | Promise<void> {
    const logged = this.#log(event);
    if (isThenable(logged)) return Promise.resolve(logged).then(() => {});
  }

  async #register(record: MetadataRecord): Promise<void> {
    const entry = { metadata_record: record };
    await this.#write(this.#logsObjects ? entry : JSON.stringify(entry));
  }

  #log(event: TrackingEvent): unknown {
    if (this.#maxEventSize !== undefined) return this.#logWithin(this.#maxEventSize, event);
    return this.#write(this.#logsObjects ? entryOf(event) : this.#serialize(event));
  }

  #logWithin(limit: number, event: TrackingEvent): unknown {
    const line = this.#serialize(event);
    const size = Buffer.byteLength(line);
    if (size <= limit) return this.#write(this.#logsObjects ? entryOf(event) : line);
    const problem = `The event ${quoteName(event.name)} has ${size} bytes, more than maxEventSize (${limit})`;
    switch (this.#oversize) {
      case 'drop':
        throw new PermanentDeliveryError(`${problem}, and oversize is 'drop'.`);
      case 'truncate': {
        const truncated = truncateEvent(event, limit, this.#serialize);
        return this.#write(this.#logsObjects ? entryOf(truncated.event) : truncated.line);
      }
      default: {
        const logged = this.#write(this.#logsObjects ? entryOf(event) : line);
        this.#warnSafely(
          `${problem}. It was logged whole; set oversize to 'truncate' or 'drop' to enforce the limit.`,
        );
        return logged;
      }
    }
  }

  /** Warns; ignores errors of the logger, because the event has been logged. */
  #warnSafely(message: string): void {
    try {
      const warned = this.#warn?.(message);
      if (isThenable(warned)) Promise.resolve(warned).catch(() => {});
    } catch {
      // There is no other logger to report it to.
    }
  }
}

/**
 * Returns the object for a logger like pino, with the date as a string: its JSON is the same, but
 * V8 leaves its fast path for values with `toJSON`, which makes a date a third slower to log.
 */
function entryOf(event: TrackingEvent): { event: object } {
  const { timestamp } = event;
  const isDate = timestamp instanceof Date && !Number.isNaN(timestamp.getTime());
  return { event: isDate ? { ...event, timestamp: timestamp.toISOString() } : event };
}

function hasMethod(logger: unknown, method: string): boolean {
  return (
    typeof logger === 'object' &&
    logger !== null &&
    typeof (logger as Record<string, unknown>)[method] === 'function'
  );
}

/** Looks the method up at each call: loggers replace their methods when the level changes. */
function methodOf(logger: unknown, method: string): (entry: string | object) => unknown {
  const methods = logger as Record<string, (entry: string | object) => unknown>;
  return (entry) => methods[method]!(entry);
}

/** The names of winston and log4js for levels that they call otherwise. */
const FALLBACKS: Readonly<Record<string, readonly string[]>> = { trace: ['silly', 'verbose'] };

function checkedMethod(logger: unknown, level: string): string {
  const names = [level, ...(FALLBACKS[level] ?? [])];
  const method = names.find((name) => hasMethod(logger, name));
  if (method !== undefined) return method;
  throw new ImproperlyConfigured(
    `LoggerBackend: logger must have the method ${level}() for its level; received ${describeValue(logger)}. ` +
      `Set level to one that the logger has.`,
  );
}

function levelOf(level: unknown, own: readonly string[]): string {
  const name = String(level).toLowerCase();
  const other: readonly string[] = own === NEST_LEVELS ? PINO_LEVELS : NEST_LEVELS;
  const translated = own.includes(name) ? name : own[other.indexOf(name)];
  if (translated === undefined) {
    throw new ImproperlyConfigured(
      `LoggerBackend: level must be one of ${own.join(', ')}; received ${describeValue(level)}.`,
    );
  }
  return translated;
}

function checkedSerialize(serialize: unknown): (event: TrackingEvent) => string {
  if (typeof serialize === 'function') return serialize as (event: TrackingEvent) => string;
  throw new ImproperlyConfigured(
    `LoggerBackend: serialize must be a function from an event to a line; ` +
      `received ${describeValue(serialize)}.`,
  );
}

function checkedLimit(limit: unknown): number | undefined {
  if (limit === undefined || (typeof limit === 'number' && limit >= MIN_EVENT_SIZE)) return limit;
  throw new ImproperlyConfigured(
    `LoggerBackend: maxEventSize must be a number of bytes of at least ${MIN_EVENT_SIZE}; ` +
      `received ${describeValue(limit)}.`,
  );
}

function checkedOversize(oversize: unknown): 'warn' | 'truncate' | 'drop' {
  if (oversize === 'warn' || oversize === 'truncate' || oversize === 'drop') return oversize;
  throw new ImproperlyConfigured(
    `LoggerBackend: oversize must be 'warn', 'truncate' or 'drop'; received ${describeValue(oversize)}.`,
  );
}
