import { describeError } from '../core/diagnostics/describe.js';

/** An answer of Redis, recognised by its code, and what it means for this queue. */
interface Answer {
  code: RegExp;
  meaning: string;
}

const ANSWERS: readonly Answer[] = [
  {
    code: /\bOOM\b/,
    meaning:
      'Redis is out of memory and accepts no jobs. Raise its maxmemory, or start more workers',
  },
  {
    code: /\bREADONLY\b/,
    meaning:
      'Redis is a read-only replica. Connect to the primary, through Sentinel or a name that follows failovers',
  },
  {
    code: /\bLOADING\b/,
    meaning: 'Redis is loading its data after a start. Wait until it has finished',
  },
  {
    code: /\bCLUSTERDOWN\b/,
    meaning:
      'The Redis Cluster is down, because some of its slots have no primary. Restore the missing nodes',
  },
  {
    code: /\bMASTERDOWN\b/,
    meaning: 'The Redis replica has lost its primary. Connect to the primary',
  },
  {
    code: /\bNOREPLICAS\b/,
    meaning:
      'Redis has too few replicas to accept writes. Restore the replicas, or lower min-replicas-to-write',
  },
  {
    code: /\bNOAUTH\b/,
    meaning: 'Redis requires a password. Set connection.password, and connection.username if needed',
  },
  {
    code: /\bWRONGPASS\b|invalid password/,
    meaning:
      'Redis rejected the user name or password. Check connection.username and connection.password',
  },
  {
    code: /\bNOPERM\b/,
    meaning:
      "The user of Redis lacks a permission. Grant all commands on the keys that begin with the queue's prefix",
  },
  {
    code: /\bMISCONF\b/,
    meaning:
      'Redis cannot save its data to disk and accepts no writes. Free disk space, or correct its directory',
  },
  {
    code: /\bMOVED\b|\bCROSSSLOT\b/,
    meaning: 'Redis is a cluster. Pass a Cluster of ioredis as connection',
  },
];

const UNREACHABLE =
  /ECONN|ENOTFOUND|EAI_AGAIN|EHOST|ENET|ETIMEDOUT|EPIPE|Connection is closed|isn't writeable|connection close|Socket timeout|max retries per request/i;

/** Describes an error of the client as the end of a sentence, with its cause and remedy if they are known. */
export function describeRedisError(error: unknown): string {
  const text = textOf(error);
  const answer = ANSWERS.find(({ code }) => code.test(text));
  if (answer !== undefined) return `${answer.meaning} (${describeError(error)})`;
  if (UNREACHABLE.test(text)) return `Redis cannot be reached: ${describeError(error)}`;
  return describeError(error);
}

/** Whether Redis refused a command for a reason that passes. */
export function isRefusal(error: unknown): boolean {
  const text = textOf(error);
  return ANSWERS.some(({ code }) => code.test(text));
}

/** Includes the reasons that ioredis attaches to the error of a transaction. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const { previousErrors, lastNodeError } = error as {
    previousErrors?: unknown;
    lastNodeError?: unknown;
  };
  const reasons = [...(Array.isArray(previousErrors) ? previousErrors : []), lastNodeError];
  const code = (error as { code?: unknown }).code;
  return [error.message, code, ...reasons.map(textOf)].join(' ');
}
