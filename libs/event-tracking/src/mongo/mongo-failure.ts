import type { Outcome } from '../core/tree/backend.js';
import { describeError } from '../core/diagnostics/describe.js';
import { RetryableDeliveryError } from '../core/diagnostics/errors.js';

/** The part of the driver's errors that is looked at. They are known by their shape: several drivers may be installed. */
interface DriverError extends Error {
  code?: unknown;
  writeErrors?: WriteError | readonly WriteError[];
  result?: { getWriteConcernError?(): { code?: number; errmsg?: string } | undefined };
}

interface WriteError {
  index: number;
  code: number;
  errmsg?: string;
}

const DUPLICATE_KEY = 11_000;

/** What became of the documents of an ordered batch behind the one that stopped it. */
export const NOT_REACHED: Outcome = {
  ok: false,
  error: new Error('MongoDB did not come to it: an earlier document of the batch failed.'),
  retryable: true,
};

/**
 * What a server answers while it cannot write, and may be able to later: it is shutting down, has stepped down, is not the
 * primary, is overloaded or too slow (the "retryable" and "state change" codes of MongoDB's driver specifications, and
 * time limits and write concerns that were not met in time).
 */
const PASSING_CODES = new Set([
  6, 7, 24, 50, 64, 89, 91, 112, 134, 189, 202, 262, 290, 317, 358, 384, 402, 462, 9001, 10_058,
  10_107, 11_600, 11_602, 13_388, 13_435, 13_436,
]);

/** Tells whether a server answers so only for the time being. */
export function isPassingCode(code: unknown): boolean {
  return PASSING_CODES.has(code as number);
}

const CLIENT_SIDE_FAULTS = /^(MongoInvalidArgumentError|BSON\w*Error|TypeError|RangeError)$/;

/** Tells whether the driver refused documents before it sent them, because BSON cannot hold them. */
export function isRefusedByDriver(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (CLIENT_SIDE_FAULTS.test(error.name)) return true;
  return error.name === 'MongoBulkWriteError' && CLIENT_SIDE_FAULTS.test(nameOfCause(error));
}

/**
 * Judges what `insertMany` failed with, for a batch of so many documents.
 *
 * @throws {@link RetryableDeliveryError} when nothing is known of the single documents and trying again may help
 * @throws the error itself when nobody knows whether that helps
 */
export function judgeInsertFailure(error: unknown, count: number, ordered: boolean): Outcome[] {
  const failed = error as DriverError;
  const writeErrors = [failed.writeErrors ?? []].flat() as WriteError[];
  if (writeErrors.length > 0) {
    const outcomes = outcomesOf(writeErrors, count, ordered);
    return withoutConcern(outcomes, failed.result?.getWriteConcernError?.());
  }
  if (isPassing(failed)) throw new RetryableDeliveryError(describeError(error), { cause: error });
  throw error;
}

/** Tells whether MongoDB has the document already. */
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
    if (code === DUPLICATE_KEY && isDuplicateId(errmsg)) continue; // it is stored already
    const error = new Error(
      `MongoDB refused the document (${code}): ${errmsg ?? 'no reason given'}`,
    );
    outcomes[index] = { ok: false, error, retryable: isPassingCode(code) };
  }
  const stoppedAt = ordered ? Math.max(...writeErrors.map(({ index }) => index)) : count;
  return outcomes.fill(NOT_REACHED, stoppedAt + 1);
}

/** What is stored has to be acknowledged too, a duplicate no less: it may be what the last attempt has left. */
function withoutConcern(
  outcomes: Outcome[],
  unmet: { code?: number; errmsg?: string } | undefined,
): Outcome[] {
  if (unmet === undefined) return outcomes;
  const error = new Error(
    `MongoDB did not meet the write concern (${unmet.code}): ${unmet.errmsg}`,
  );
  const lacking: Outcome = { ok: false, error, retryable: isPassingCode(unmet.code) };
  return outcomes.map((outcome) => (outcome.ok ? lacking : outcome));
}

/**
 * A duplicate in another unique index is another event, which will never fit. The index is named before the key, which may
 * hold anything.
 */
function isDuplicateId(message: string | undefined): boolean {
  if (message === undefined) return true;
  const [where = '', key = ''] = message.split(' dup key: ', 2);
  const index = / index: (.*)$/.exec(where)?.[1];
  return index === undefined ? /^\{ _id\b/.test(key) : /^(?:.*\$)?_id_$/.test(index.trim());
}

/** Where the server gave no code, the driver did not reach it, or lost it. */
function isPassing({ name, code }: DriverError): boolean {
  if (typeof code === 'number') return isPassingCode(code);
  return name.startsWith('Mongo');
}

function nameOfCause(error: Error): string {
  return error.cause instanceof Error ? error.cause.name : '';
}
