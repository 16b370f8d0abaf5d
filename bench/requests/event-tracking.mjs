/** This module, with the default request context and an event per call by decorators. */
import { EmitEvent, EventTrackingModule, TrackContext } from 'nestjs-event-tracking';

export const imports = [EventTrackingModule.forRoot({ backends: { nothing: { send() {} } } })];

export const decorators = [
  TrackContext('address', ({ args: [id] }) => ({ address_id: id })),
  EmitEvent('address.read', { data: ({ result }) => ({ country: result.country }) }),
];
