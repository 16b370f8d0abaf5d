/** Measures `emit` to a LoggerBackend on pino, against `pino.info({ event })` of an equal one. */
import { ClsContextLocator, LoggerBackend, Tracker } from 'nestjs-event-tracking';
import pino from 'pino';
import { nanosecondsPerCall, report, sideBySide } from './side-by-side.mjs';
import { context, data, event, NAME } from './standard-event.mjs';

const CALLS = 100_000;

const logger = pino(pino.destination({ dest: '/dev/null', sync: true }));
const tracker = new Tracker({
  backends: { log: new LoggerBackend({ logger }) },
  contextLocator: new ClsContextLocator(),
});

const perSecond = (fn) => 1e9 / nanosecondsPerCall(fn, CALLS);
const result = await tracker.context('request', context(), () =>
  sideBySide({
    subject: () => perSecond(() => tracker.emit(NAME, data())),
    alternative: () => perSecond(() => logger.info({ event: event() })),
  }),
);

report({
  what: 'emit to LoggerBackend on pino, against bare pino.info({ event })',
  unit: 'events/s',
  result,
  goal: { atLeast: 0.9 },
});
