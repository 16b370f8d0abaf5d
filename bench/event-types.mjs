/** Measures `emit` of an event with a type, against an event without one. */
import { ClsContextLocator, defineEvent, Tracker } from 'nestjs-event-tracking';
import { z } from 'zod';
import { nanosecondsPerCall, report, sideBySide } from './side-by-side.mjs';
import { context, data, NAME } from './standard-event.mjs';

const CALLS = 300_000;

const described = defineEvent(NAME, {
  description: 'A user saved an address.',
  fields: {
    name: { description: 'The name of the addressee.', type: 'string' },
    address: { description: 'The address: postal_code and country.', type: 'object' },
  },
});
const schema = z.object({
  name: z.string(),
  address: z.object({ postal_code: z.string(), country: z.string() }),
});
const validated = defineEvent(NAME, { description: 'A user saved an address.', schema });

const locator = new ClsContextLocator();
const trackerWith = (eventTypes) =>
  new Tracker({ backends: { nothing: { send() {} } }, contextLocator: locator, eventTypes });
const plain = trackerWith([]);
const knowing = trackerWith([described]);
const validating = trackerWith([validated]);

/** Creates the data too, as callers do. */
const costOf = (work) => () => nanosecondsPerCall(work, CALLS);
const undefinedEvent = costOf(() => plain.emit(NAME, data()));
const { validate } = schema['~standard'];

await plain.context('request', context(), async () => {
  report({
    what: 'emit of a defined event, by its type, against an undefined one',
    unit: 'ns',
    result: await sideBySide({
      subject: costOf(() => knowing.emit(described, data())),
      alternative: undefinedEvent,
    }),
    goal: { atMost: 1.1 },
  });
  report({
    what: 'emit of a defined event, by its name, against an undefined one',
    unit: 'ns',
    result: await sideBySide({
      subject: costOf(() => knowing.emit(NAME, data())),
      alternative: undefinedEvent,
    }),
    goal: { atMost: 1.1 },
  });
  report({
    what: 'emit of an event with a schema of Zod, against an undefined one and the validation alone',
    unit: 'ns',
    result: await sideBySide({
      subject: costOf(() => validating.emit(validated, data())),
      alternative: costOf(() => {
        const values = data();
        void validate(values);
        plain.emit(NAME, values);
      }),
    }),
    goal: { atMost: 1.1 },
  });
});
