import type { mongo } from 'mongoose';
import type { Outcome } from '../core/tree/backend.js';
import { describeError } from '../core/diagnostics/describe.js';
import { RetryableDeliveryError } from '../core/diagnostics/errors.js';

/** The part of the driver's errors that matters here. They are recognised by shape, because several drivers may be installed. */
interface DriverError extends Error {
  code?: unknown;
  errorResponse?: unknown;
  writeErrors?: WriteError | readonly WriteError[];
  result?: { getWriteConcernError?(): { code?: number; errmsg?: string } | undefined };
}

interface WriteError {
  index: number;
  code: number;
  errmsg?: string;
}

const DUPLICATE_KEY = 11_000;
/** Azure Cosmos DB: too many requests. */
const THROTTLED_BY_COSMOS = 16_500;

/** The outcome of documents that follow the one which stopped an ordered batch. */
export const NOT_REACHED: Outcome = {
  ok: false,
  error: new Error('MongoDB did not reach the document: an earlier one of the batch failed.'),
  retryable: true,
};

/**
 * Codes of servers that cannot write now but can later: shutting down, stepped down, not primary, overloaded, throttling or
 * too slow (the "retryable" and "state change" codes of MongoDB's driver specifications, time limits and write concerns that
 * were not met in time, and the throttling of compatible services).
 */
const RETRYABLE_CODES = new Set([
  6,
  7,
  24,
  50,
  64,
  89,
  91,
  112,
  134,
  189,
  202,
  262,
  290,
  317,
  358,
  384,
  402,
  462,
  9001,
  10_058,
  10_107,
  11_600,
  11_602,
  13_388,
  13_435,
  13_436,
  THROTTLED_BY_COSMOS,
]);

/** Whether a server can answer differently later. */
export function isRetryableCode(code: unknown): boolean {
  return RETRYABLE_CODES.has(code as number);
}

const THROTTLING = /request rate is large|\bTooManyRequests\b|throttl(?:ed|ing)|\b429\b/i;

/** Whether a service compatible with MongoDB throttles its clients: their codes differ, their words do not. */
function isThrottling(message: string | undefined): boolean {
  return message !== undefined && THROTTLING.test(message);
}

/** Reads the pause that Azure Cosmos DB asks for, in milliseconds. */
function retryAfterIn(message: string | undefined): number | undefined {
  const written = /\bRetryAfterMs=(\d+)/i.exec(message ?? '')?.[1];
  return written === undefined ? undefined : Number(written);
}

const CLIENT_SIDE_ERRORS = /^(MongoInvalidArgumentError|BSON\w*Error|TypeError|RangeError)$/;

/** Whether the driver rejected documents before it sent them, because BSON cannot hold them. */
export function isRejectedByDriver(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (CLIENT_SIDE_ERRORS.test(error.name)) return true;
  if (error.name !== 'MongoBulkWriteError') return false;
  // Driver 7 has the reason as the cause; drivers 5 and 6 have it as the response.
  const { cause, errorResponse } = error as DriverError;
  return [cause, errorResponse].some(
    (reason) => reason instanceof Error && CLIENT_SIDE_ERRORS.test(reason.name),
  );
}

/**
 * Classifies an error of `insertMany`, for a batch of `count` documents.
 *
 * @throws {@link RetryableDeliveryError} for an error of the whole batch that another attempt can overcome
 * @throws the error itself when nobody knows whether it can
 */
export function classifyInsertError(error: unknown, count: number, ordered: boolean): Outcome[] {
  const failed = error as DriverError;
  const writeErrors = [failed.writeErrors ?? []].flat() as WriteError[];
  if (writeErrors.length > 0) {
    const outcomes = outcomesOf(writeErrors, count, ordered);
    return withUnmetConcern(outcomes, failed.result?.getWriteConcernError?.());
  }
  if (isRetryable(failed)) {
    throw new RetryableDeliveryError(describeError(error), {
      cause: error,
      retryAfterMs: retryAfterIn(failed.message),
    });
  }
  throw error;
}

/**
 * Checks that MongoDB has acknowledged each document of a batch.
 *
 * @throws {@link RetryableDeliveryError} if it has not; documents that it has stored are recognised by their ids
 */
export function expectStored(
  { acknowledged, insertedCount }: mongo.InsertManyResult,
  count: number,
): void {
  if (acknowledged && insertedCount === count) return;
  throw new RetryableDeliveryError(
    acknowledged
      ? `MongoDB has stored ${insertedCount} of ${count} documents, and reported no error.`
      : `MongoDB has not acknowledged the documents: the write concern is w: 0.`,
  );
}

/** Whether MongoDB already has the document. */
export function isDuplicate(error: unknown): boolean {
  return (error as DriverError | undefined)?.code === DUPLICATE_KEY;
}

function outcomesOf(
  writeErrors: readonly WriteError[],
  count: number,
  ordered: boolean,
): Outcome[] {
  const outcomes = Array.from({ length: count }, (): Outcome => ({ ok: true }));
  for (const { index, code, errmsg } of writeErrors) {
    if (code === DUPLICATE_KEY && isDuplicateId(errmsg)) continue;
    const error = new Error(
      `MongoDB rejected the document (${code}): ${errmsg ?? 'no reason given'}`,
    );
    const retryable = isRetryableCode(code) || isThrottling(errmsg);
    const retryAfterMs = retryable ? retryAfterIn(errmsg) : undefined;
    outcomes[index] = { ok: false, error, retryable, ...(retryAfterMs && { retryAfterMs }) };
  }
  const stoppedAt = ordered ? Math.max(...writeErrors.map(({ index }) => index)) : count;
  return outcomes.fill(NOT_REACHED, stoppedAt + 1);
}

/** A stored document must be acknowledged too, even a duplicate: the last attempt may have left it behind. */
function withUnmetConcern(
  outcomes: Outcome[],
  unmet: { code?: number; errmsg?: string } | undefined,
): Outcome[] {
  if (unmet === undefined) return outcomes;
  const error = new Error(
    `MongoDB did not meet the write concern (${unmet.code}): ${unmet.errmsg}`,
  );
  const lacking: Outcome = { ok: false, error, retryable: isRetryableCode(unmet.code) };
  return outcomes.map((outcome) => (outcome.ok ? lacking : outcome));
}

/**
 * Whether the duplicate is one of `_id`. A duplicate in another unique index is another event. The message names the index
 * before the key, which can hold anything.
 */
function isDuplicateId(message: string | undefined): boolean {
  if (message === undefined) return true;
  const [where = '', key = ''] = message.split(' dup key: ', 2);
  const index = / index: (.*)$/.exec(where)?.[1];
  return index === undefined ? /^\{ _id\b/.test(key) : /^(?:.*\$)?_id_$/.test(index.trim());
}

/** An error without a code of the server means that the driver did not reach it, or lost it. */
function isRetryable({ name, code, message }: DriverError): boolean {
  if (typeof code === 'number') return isRetryableCode(code) || isThrottling(message);
  return name.startsWith('Mongo');
}
