import { Inject, Module, Optional, type DynamicModule } from '@nestjs/common';
import { ImproperlyConfigured } from '../../core/diagnostics/errors.js';
import type { ContextType, EventType } from '../../core/event-types/event-type.js';
import type { EventTrackingApplication } from './application.js';
import { APPLICATION } from '../tokens.js';

/** What the types of a feature are provided as, to the module that registers them. */
const TYPES = Symbol.for('event-tracking:types');

/** Registers the types of events and contexts that a feature of the application has. */
@Module({})
export class EventTypesModule {
  constructor(
    @Inject(TYPES) types: readonly (EventType | ContextType)[],
    @Optional() @Inject(APPLICATION) application?: EventTrackingApplication,
  ) {
    if (application === undefined) {
      throw new ImproperlyConfigured(
        `EventTrackingModule.forFeature: there is no tracker here to register ${namesOf(types)} with. Import ` +
          `EventTrackingModule.forRoot() in the root module (in tests, EventTrackingTestingModule.forRoot()); where it is ` +
          `not global, import it beside forFeature.`,
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
