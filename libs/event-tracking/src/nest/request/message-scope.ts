import type { ExecutionContext } from '@nestjs/common';
import type { ContextStack } from '../../core/context/context-stack.js';
import type { EventTrackingApplication } from '../module/application.js';
import type { MessageSource } from './request-context.js';
import { carrierOf, isCallOf, latestScopeOf, RequestScope } from './request-scope.js';

/** A message of a microservice or a gateway, as its transport passes it on. */
export interface Message extends MessageSource {
  /** The first arguments that guards, interceptors and the handler get. */
  readonly args: readonly [unknown, unknown];
}

/** The application that latest received a message from a client or with a message's context. */
const applications = new WeakMap<object, EventTrackingApplication>();

/** The scope of one message: its guards, interceptors, pipes, handler and filters. */
export class MessageScope extends RequestScope {
  readonly #args: Message['args'];
  #executionContext: ExecutionContext | undefined;
  #isCallExpected = false;

  constructor(application: EventTrackingApplication, outer: ContextStack, message: Message) {
    super(application, outer);
    this.#args = message.args;
    const { request } = message;
    if (typeof request === 'object' && request !== null) applications.set(request, application);
  }

  /** Nest's execution context, once Nest has reached the handler's own guards. */
  override get executionContext(): ExecutionContext | undefined {
    return this.#executionContext;
  }

  /** Whether Nest dispatches a call for this message. */
  isOf(context: ExecutionContext): boolean {
    const [first, second] = this.#args;
    return (
      Object.is(context.getArgByIndex(0), first) && Object.is(context.getArgByIndex(1), second)
    );
  }

  /** Records that Nest is about to call the handler. */
  expectDispatch(context: ExecutionContext): void {
    this.#executionContext = context;
    this.#isCallExpected = true;
  }

  override claimCall(instance: object, method: string | symbol): ExecutionContext | undefined {
    const context = this.#executionContext;
    if (!this.#isCallExpected || context === undefined || !isCallOf(context, instance, method))
      return undefined;
    this.#isCallExpected = false;
    return context;
  }
}

/** Returns the scope of a message in an application, if the running code belongs to the message. */
export function messageScopeIn(
  application: EventTrackingApplication,
  context: ExecutionContext,
): MessageScope | undefined {
  let stack: ContextStack | undefined = application.locator.get();
  while (stack !== undefined && !(stack instanceof RequestScope)) stack = stack.outer;
  return stack instanceof MessageScope && stack.isOf(context) ? stack : undefined;
}

/** Returns the scope of a call that Nest dispatches, in whichever application it was opened. */
export function scopeOfCall(context: ExecutionContext): RequestScope | undefined {
  const isMessage = ['ws', 'rpc'].includes(context.getType());
  return (
    (isMessage ? scopeOfMessage(context) : undefined) ?? latestScopeOf(carrierOf(context).carrier)
  );
}

function scopeOfMessage(context: ExecutionContext): MessageScope | undefined {
  // The client of a gateway is the first argument, the context of a microservice's message the
  // second one.
  const carrier: unknown = context.getArgByIndex(context.getType() === 'ws' ? 0 : 1);
  const application =
    typeof carrier === 'object' && carrier !== null ? applications.get(carrier) : undefined;
  return application === undefined ? undefined : messageScopeIn(application, context);
}
