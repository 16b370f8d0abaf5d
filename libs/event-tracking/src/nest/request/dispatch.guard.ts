import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { scopeOfCall } from './request-scope.js';

/**
 * Tells the decorators of a controller that Nest is about to call one of its handlers.
 *
 * @remarks A guard that lets everything pass, because an interceptor would cost each request several times as much.
 */
class DispatchGuard implements CanActivate {
  canActivate(context: ExecutionContext): true {
    if (context.getType() === 'http') scopeOfCall(context)?.announce(context);
    return true;
  }
}

/** Serves all applications: what it needs to know is in what it is given. */
export const dispatchGuard = new DispatchGuard();
