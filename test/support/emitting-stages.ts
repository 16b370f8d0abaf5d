import {
  Catch,
  Injectable,
  type ArgumentsHost,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { Tracker } from 'nestjs-event-tracking';
import { tap } from 'rxjs';

/** Emits before and after the handler. */
@Injectable()
export class EmittingInterceptor implements NestInterceptor {
  constructor(private readonly tracker: Tracker) {}

  intercept(_context: ExecutionContext, next: CallHandler) {
    this.tracker.emit('interceptor.before');
    return next.handle().pipe(tap(() => this.tracker.emit('interceptor.after')));
  }
}

/** Emits, and returns values unchanged. */
@Injectable()
export class EmittingPipe implements PipeTransform {
  constructor(private readonly tracker: Tracker) {}

  transform(value: unknown): unknown {
    this.tracker.emit('pipe');
    return value;
  }
}

/** Emits, and answers as Nest does. */
@Injectable()
@Catch()
export class EmittingFilter extends BaseExceptionFilter {
  constructor(private readonly tracker: Tracker) {
    super();
  }

  override catch(exception: unknown, host: ArgumentsHost): void {
    this.tracker.emit('filter');
    super.catch(exception, host);
  }
}
