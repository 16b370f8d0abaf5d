import { Inject, Module, Optional, type DynamicModule } from '@nestjs/common';
import { ImproperlyConfigured } from '../../core/diagnostics/errors.js';
import type { ContextType, EventType } from '../../core/event-types/event-type.js';
import type { EventTrackingApplication } from './application.js';
import { APPLICATION } from '../tokens.js';

const TYPES = Symbol.for('event-tracking:types');

/** Registers a feature's event and context types with the application's trackers. */
@Module({})
export class EventTypesModule {
  constructor(
    @Inject(TYPES) types: readonly (EventType | ContextType)[],
    @Optional() @Inject(APPLICATION) application?: EventTrackingApplication,
  ) {
    if (application === undefined) {
      throw new ImproperlyConfigured(
        `EventTrackingModule.forFeature: no tracker is available to register ` +
          `${namesOf(types)} with. Import EventTrackingModule.forRoot() in the root module (in ` +
          `tests, EventTrackingTestingModule.forRoot()); if it is not global, import it next to ` +
          `forFeature.`,
      );
    }
    application.register(types);
  }

  static of(types: readonly (EventType | ContextType)[]): DynamicModule {
    return { module: EventTypesModule, providers: [{ provide: TYPES, useValue: types }] };
  }
}

function namesOf(types: readonly (EventType | ContextType)[]): string {
  return types.map(({ name }) => `'${name}'`).join(', ');
}
