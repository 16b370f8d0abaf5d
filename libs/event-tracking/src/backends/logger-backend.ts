import { Logger } from '@nestjs/common';
import type { Backend } from '../core/tree/backend.js';
import { checkOptions, type KeysOf } from '../core/diagnostics/check-options.js';
import { describeValue } from '../core/diagnostics/describe.js';
import { ImproperlyConfigured, PermanentDeliveryError } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';
import type { MetadataRecord } from '../core/event-types/metadata-record.js';
import { isThenable } from '../core/diagnostics/is-thenable.js';
import { serializeEvent } from '../core/event/serialize-event.js';
import { truncateEvent } from './truncate-event.js';

/** A logger like Nest's own: each level is a method that takes a line. */
export interface NestLikeLogger {
  log(message: string): unknown;
}

/** A logger like pino: each level is a method that takes an object. */
export interface PinoLikeLogger {
  info(object: object): unknown;
}

const NEST_LEVELS = ['verbose', 'debug', 'log', 'warn', 'error', 'fatal'] as const;
const PINO_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/** At which level events are logged, in Nest's words or in pino's. */
export type LoggerLevel = (typeof NEST_LEVELS)[number] | (typeof PINO_LEVELS)[number];

/** How a {@link LoggerBackend} logs. */
export interface LoggerBackendOptions {
  /**
   * Where events are logged: a logger like Nest's, which has `log` and gets a line, or one like pino, which has `info`
   * and no `log` and gets the object `{ event }`, the timestamp in it written as in RFC 3339.
   *
   * @default Nest's logger with the context 'Events'
   */
  logger?: NestLikeLogger | PinoLikeLogger;
  /**
   * The level, in Nest's words or in pino's.
   *
   * @default 'log', which pino calls 'info'
   */
  level?: LoggerLevel;
  /**
   * Writes an event as a line. With it a pino-like logger gets the line too.
   *
   * @default serializeEvent
   */
  serialize?: (event: TrackingEvent) => string;
  /**
   * How large a line may be, in bytes of UTF-8.
   *
   * @default no limit
   */
  maxEventSize?: number;
  /**
   * What happens to an event that is larger: it is logged with a warning, cut to valid JSON within the limit that says
   * `truncated: true`, or dropped, which is counted and reported.
   *
   * @default 'warn'
   */
  oversize?: 'warn' | 'truncate' | 'drop';
  /**
   * Whether what is known of the types of events and contexts is logged too: `{ metadata_record }`, at the same level, once
   * in a process.
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
/** The smallest limit that a cut event fits into. */
const MIN_EVENT_SIZE = 192;

/**
 * Logs one line per event, and one per type of events and contexts.
 *
 * @example
 * ```ts
 * new LoggerBackend({ logger: pino(), level: 'info', maxEventSize: 64 * 1024, oversize: 'truncate' })
 * ```
 */
export class LoggerBackend implements Backend {
  readonly #write: (entry: string | object) => unknown;
  readonly #warn: ((message: string) => unknown) | undefined;
  readonly #takesObjects: boolean;
  readonly #serialize: (event: TrackingEvent) => string;
  readonly #maxEventSize: number | undefined;
  readonly #oversize: 'warn' | 'truncate' | 'drop';
  /** Logs a metadata record, unless `metadata` is false. */
  readonly register?: (record: MetadataRecord) => Promise<void>;

  /** @throws {@link ImproperlyConfigured} for what is no logger, no level of it, no size and no way to treat oversize */
  constructor(options: LoggerBackendOptions = {}) {
    checkOptions(options, 'LoggerBackend', OPTION_KEYS);
    const logger: unknown = options.logger ?? new Logger('Events');
    const isNestLike = hasMethod(logger, 'log');
    if (!isNestLike && !hasMethod(logger, 'info')) {
      throw new ImproperlyConfigured(
        `LoggerBackend: logger is a logger like Nest's (with log) or like pino (with info), received ${describeValue(logger)}.`,
      );
    }
    this.#takesObjects = !isNestLike && options.serialize === undefined;
    this.#write = methodOf(logger, levelOf(options.level ?? 'log', isNestLike));
    this.#warn = hasMethod(logger, 'warn') ? methodOf(logger, 'warn') : undefined;
    this.#serialize = checkedSerialize(options.serialize ?? serializeEvent);
    this.#maxEventSize = checkedLimit(options.maxEventSize);
    this.#oversize = checkedOversize(options.oversize ?? 'warn');
    if (options.metadata !== false) this.register = (record) => this.#register(record);
  }

  /**
   * Resolves when the logger has, where that answers with a promise.
   *
   * @throws {@link PermanentDeliveryError} when the event is too large and to be dropped; and what the logger throws
   */
  send(event: TrackingEvent): void | Promise<void> {
    const logged = this.#log(event);
    if (isThenable(logged)) return Promise.resolve(logged).then(() => {});
  }

  async #register(record: MetadataRecord): Promise<void> {
    const entry = { metadata_record: record };
    await this.#write(this.#takesObjects ? entry : JSON.stringify(entry));
  }

  #log(event: TrackingEvent): unknown {
    if (this.#maxEventSize !== undefined) return this.#logWithin(this.#maxEventSize, event);
    return this.#write(this.#takesObjects ? entryOf(event) : this.#serialize(event));
  }

  #logWithin(limit: number, event: TrackingEvent): unknown {
    const line = this.#serialize(event);
    const size = Buffer.byteLength(line);
    if (size <= limit) return this.#write(this.#takesObjects ? entryOf(event) : line);
    const fault = `The event '${event.name}' has ${size} bytes, more than maxEventSize (${limit})`;
    switch (this.#oversize) {
      case 'drop':
        throw new PermanentDeliveryError(`${fault}, and oversize is 'drop'.`);
      case 'truncate': {
        const cut = truncateEvent(event, limit, this.#serialize);
        return this.#write(this.#takesObjects ? entryOf(cut.event) : cut.line);
      }
      default: {
        const logged = this.#write(this.#takesObjects ? entryOf(event) : line);
        this.#warnOf(
          `${fault}. It was logged whole; set oversize to 'truncate' or 'drop' to enforce the limit.`,
        );
        return logged;
      }
    }
  }

  /** The event is logged by now: that a warning fails is no failure of it. */
  #warnOf(fault: string): void {
    try {
      const warned = this.#warn?.(fault);
      if (isThenable(warned)) Promise.resolve(warned).catch(() => {});
    } catch {
      // A logger that throws has nobody left to tell.
    }
  }
}

/**
 * The object for a pino-like logger. Its JSON is the same with the date in it, and takes the logger a third longer: the
 * engine's fast way of writing JSON ends where a value has `toJSON`.
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

/** Looked up at each call: loggers exchange their methods when their level changes. */
function methodOf(logger: unknown, method: string): (entry: string | object) => unknown {
  const methods = logger as Record<string, (entry: string | object) => unknown>;
  return (entry) => methods[method]!(entry);
}

function levelOf(level: unknown, isNestLike: boolean): string {
  const wanted = String(level).toLowerCase();
  const own: readonly string[] = isNestLike ? NEST_LEVELS : PINO_LEVELS;
  const other: readonly string[] = isNestLike ? PINO_LEVELS : NEST_LEVELS;
  const translated = own.includes(wanted) ? wanted : own[other.indexOf(wanted)];
  if (translated === undefined) {
    throw new ImproperlyConfigured(
      `LoggerBackend: level is one of ${own.join(', ')}, received ${describeValue(level)}.`,
    );
  }
  return translated;
}

function checkedSerialize(serialize: unknown): (event: TrackingEvent) => string {
  if (typeof serialize === 'function') return serialize as (event: TrackingEvent) => string;
  throw new ImproperlyConfigured(
    `LoggerBackend: serialize is a function from an event to a line, received ${describeValue(serialize)}.`,
  );
}

function checkedLimit(limit: unknown): number | undefined {
  if (limit === undefined || (typeof limit === 'number' && limit >= MIN_EVENT_SIZE)) return limit;
  throw new ImproperlyConfigured(
    `LoggerBackend: maxEventSize is a number of bytes from ${MIN_EVENT_SIZE}, received ${describeValue(limit)}.`,
  );
}

function checkedOversize(oversize: unknown): 'warn' | 'truncate' | 'drop' {
  if (oversize === 'warn' || oversize === 'truncate' || oversize === 'drop') return oversize;
  throw new ImproperlyConfigured(
    `LoggerBackend: oversize is 'warn', 'truncate' or 'drop', received ${describeValue(oversize)}.`,
  );
}
