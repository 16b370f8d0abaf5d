import { types } from 'node:util';
import {
  Logger,
  Optional,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  Injectable,
} from '@nestjs/common';
import type { Observable } from 'rxjs';
import { checkOptions } from '../../core/diagnostics/check-options.js';
import { describeError } from '../../core/diagnostics/describe.js';
import { nameOfType, type ContextType } from '../../core/event-types/event-type.js';
import type { EventTrackingApplication } from '../module/application.js';
import { scopeOfCall } from '../request/message-scope.js';
import { subscribeWithin } from './subscribe-within.js';
import type { TrackContextOptions } from './track-context.decorator.js';

/** The values of a context, or a function that derives them from Nest's execution context. */
export type InterceptedContextValues = object | ((context: ExecutionContext) => object);

/**
 * Runs a handler, its pipes and the inner interceptors inside a context.
 *
 * @remarks If the factory fails, the error is reported and the handler runs without the context.
 * @example
 * ```ts
 * @UseInterceptors(new TrackContextInterceptor('course', (context) => ({
 *   course_id: context.switchToHttp().getRequest().params.id,
 * })))
 * ```
 */
@Injectable()
export class TrackContextInterceptor implements NestInterceptor {
  constructor(
    @Optional() private readonly context?: string | ContextType,
    @Optional() private readonly values?: InterceptedContextValues,
    @Optional() private readonly options?: TrackContextOptions,
  ) {
    checkOptions(options ?? {}, 'TrackContextInterceptor', { tracker: true });
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const application = scopeOfCall(context)?.application;
    if (application === undefined) {
      warnMissingScope(context);
      return next.handle();
    }
    if (!application.enabled) return next.handle();
    const { locator } = application;
    return subscribeWithin(
      locator,
      (fn) =>
        locator.run('handler', () => {
          this.#enter(application, context);
          return fn();
        }),
      () => next.handle(),
    );
  }

  #enter(application: EventTrackingApplication, context: ExecutionContext): void {
    const { context: type = 'handler', values = handlerOf, options } = this;
    try {
      const contextValues =
        typeof values === 'function' ? (values as typeof handlerOf)(context) : values;
      if (types.isPromise(contextValues)) {
        contextValues.catch(() => {});
        throw new TypeError(
          'its factory returned a promise; it must return an object synchronously',
        );
      }
      application.enter(application.locator.get(), type, contextValues, options?.tracker);
    } catch (fault) {
      const name = nameOfType(type);
      application.diagnostics.error(
        `the interceptor's context '${name}'`,
        `The context '${name}' of ${handlerOf(context).handler} could not be created: ` +
          `${describeError(fault)}. The handler runs without it.`,
      );
    }
  }
}

function handlerOf(context: ExecutionContext): { handler: string } {
  return { handler: `${context.getClass().name}.${context.getHandler().name}` };
}

const warned = new WeakSet<object>();

function warnMissingScope(context: ExecutionContext): void {
  if (warned.has(context.getClass())) return;
  warned.add(context.getClass());
  new Logger('EventTracking').warn(
    `TrackContextInterceptor of ${handlerOf(context).handler} did nothing: the call has no ` +
      `event-tracking scope. Possible causes: EventTrackingModule.forRoot() is not imported; the ` +
      `interceptor is global and runs before event tracking (provide it as APP_INTERCEPTOR); or a ` +
      `hybrid application connects its microservice without { inheritAppConfig: true }.`,
  );
}
