/** This module: the default context of a request, and an event of each call by decorators. */
import { EmitEvent, EventTrackingModule, TrackContext } from 'nestjs-event-tracking';

export const imports = [EventTrackingModule.forRoot({ backends: { nothing: { send() {} } } })];

export const decorators = [
  TrackContext('address', ({ args: [id] }) => ({ address_id: id })),
  EmitEvent('address.read', { data: ({ result }) => ({ country: result.country }) }),
];
