import { describeError } from '../core/diagnostics/describe.js';
import { EventEmissionExit, ImproperlyConfigured } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';

/** What a module is to export: something that processes, or something that only says yes or no. */
export type Role = 'processor' | 'filter';

/** What a thread is told when it starts. */
export interface ThreadData {
  readonly url: string;
  readonly path: string;
  readonly role: Role;
}

/** What a thread is given to do; without an event it only loads its module. */
export interface ThreadTask {
  readonly event?: TrackingEvent;
}

/** What a thread answers: errors lose their prototypes between threads, so that each kind has a member of its own. */
export type ThreadReply =
  | { readonly loaded: true }
  | { readonly event: TrackingEvent }
  | { readonly isKept: boolean }
  | { readonly exit: string }
  | { readonly misfit: string }
  | { readonly fault: Fault };

interface Fault {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
}

/** What a thread answers when something was thrown in it; never throws. */
export function replyToThrown(thrown: unknown): ThreadReply {
  try {
    if (thrown instanceof EventEmissionExit) return { exit: thrown.message };
    if (thrown instanceof ImproperlyConfigured) return { misfit: thrown.message };
    if (thrown instanceof Error) {
      const { name, message, stack } = thrown;
      return {
        fault: { name: String(name), message: String(message), stack: stack && `${stack}` },
      };
    }
  } catch {
    // It is not what it says it is; describeError can say something of anything.
  }
  return { fault: { name: 'Error', message: describeError(thrown), stack: undefined } };
}

/** Throws what was thrown in the thread. */
export function rethrow(reply: ThreadReply): void {
  if ('exit' in reply) throw new EventEmissionExit(reply.exit);
  if ('misfit' in reply) throw new ImproperlyConfigured(reply.misfit);
  if ('fault' in reply) throw errorOf(reply.fault);
}

function errorOf({ name, message, stack }: Fault): Error {
  const error = new Error(message);
  const member = (value: unknown) => ({ value, configurable: true, writable: true });
  return Object.defineProperties(error, {
    name: member(name),
    stack: member(stack ?? error.stack),
  });
}
