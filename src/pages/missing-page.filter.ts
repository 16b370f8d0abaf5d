import { Catch, NotFoundException, type ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { Tracker } from 'nestjs-event-tracking';
import { PageMissing } from './page.events.js';

/** Reports what was looked for and is not there, routes that do not exist included. */
@Catch(NotFoundException)
export class MissingPageFilter extends BaseExceptionFilter {
  constructor(private readonly tracker: Tracker) {
    super();
  }

  override catch(exception: NotFoundException, host: ArgumentsHost): void {
    this.tracker.emit(PageMissing, { message: exception.message });
    super.catch(exception, host);
  }
}
