import { describeError } from '../core/diagnostics/describe.js';
import { EventEmissionExit, ImproperlyConfigured } from '../core/diagnostics/errors.js';
import type { TrackingEvent } from '../core/event/event.js';

/** The role that a module's default export must have. */
export type Role = 'processor' | 'filter';

/** The data that a thread receives when it starts. */
export interface ThreadData {
  readonly url: string;
  readonly path: string;
  readonly role: Role;
}

/** A task for a thread; a task without an event only loads the module. */
export interface ThreadTask {
  readonly event?: TrackingEvent;
}

/**
 * The reply of a thread. Errors lose their prototypes between threads, so each kind has its own key.
 */
export type ThreadReply =
  | { readonly loaded: true }
  | { readonly event: TrackingEvent }
  | { readonly isKept: boolean }
  | { readonly exit: string }
  | { readonly misconfiguration: string }
  | { readonly fault: Fault };

interface Fault {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
}

/** Returns the reply for a thrown value; never throws. */
export function replyToThrown(thrown: unknown): ThreadReply {
  try {
    if (thrown instanceof EventEmissionExit) return { exit: thrown.message };
    if (thrown instanceof ImproperlyConfigured) return { misconfiguration: thrown.message };
    if (thrown instanceof Error) {
      const { name, message, stack } = thrown;
      return {
        fault: { name: String(name), message: String(message), stack: stack && `${stack}` },
      };
    }
  } catch {
    // A getter of the thrown value may throw; describeError copes with any value.
  }
  return { fault: { name: 'Error', message: describeError(thrown), stack: undefined } };
}

/** Throws the error that a reply carries, if any. */
export function rethrow(reply: ThreadReply): void {
  if ('exit' in reply) throw new EventEmissionExit(reply.exit);
  if ('misconfiguration' in reply) throw new ImproperlyConfigured(reply.misconfiguration);
  if ('fault' in reply) throw restoreError(reply.fault);
}

function restoreError({ name, message, stack }: Fault): Error {
  const error = new Error(message);
  const property = (value: unknown) => ({ value, configurable: true, writable: true });
  return Object.defineProperties(error, {
    name: property(name),
    stack: property(stack ?? error.stack),
  });
}
