/** Measures `emit` to a backend that does nothing, against `JSON.stringify` of the same event. */
import { ClsContextLocator, Tracker } from 'nestjs-event-tracking';
import { nanosecondsPerCall, report, sideBySide } from './side-by-side.mjs';
import { context, data, event, NAME } from './standard-event.mjs';

const CALLS = 300_000;

const tracker = new Tracker({
  backends: { nothing: { send() {} } },
  contextLocator: new ClsContextLocator(),
});
const standing = event();

const result = await tracker.context('request', context(), () =>
  sideBySide({
    subject: () => nanosecondsPerCall(() => tracker.emit(NAME, data()), CALLS),
    alternative: () => nanosecondsPerCall(() => JSON.stringify(standing), CALLS),
  }),
);

report({
  what: 'emit on the caller’s path, against JSON.stringify of the event',
  unit: 'ns',
  result,
  goal: { atMost: 0.4 },
});
