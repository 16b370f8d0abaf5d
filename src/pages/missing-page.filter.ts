import { Catch, NotFoundException, type ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { Tracker } from 'nestjs-event-tracking';
import { PageMissing } from './page.events.js';

/** Reports requests for missing pages, including unknown routes. */
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
