/** Reports the cost of `emit` to its caller while a backend works. */
import { Tracker } from 'nestjs-event-tracking';
import { nanosecondsPerCallBeside, nanosecondsPerCallInBursts } from './bursts.mjs';
import { report, sideBySide } from './side-by-side.mjs';
import { context, data, NAME } from './standard-event.mjs';

export async function reportCallersCost({ backend, tracker, hasRoom, events, rounds }) {
  const nothing = new Tracker({ backends: { nothing: { send() {} } } });
  nothing.enterContext('request', context());
  const emit = () => tracker.emit(NAME, data());
  const emitToNothing = () => nothing.emit(NAME, data());
  const flushed = async (figure) => {
    const nanoseconds = await figure;
    await tracker.flush();
    return nanoseconds;
  };

  report({
    what: `emit on the caller’s path to ${backend}, against emit to a backend that does nothing, in a process where ${backend} works`,
    unit: 'ns',
    result: await sideBySide({
      subject: () => flushed(nanosecondsPerCallBeside(emit, emitToNothing, events, hasRoom)),
      alternative: () => flushed(nanosecondsPerCallBeside(emitToNothing, emit, events, hasRoom)),
      rounds,
    }),
    goal: { atMost: 1.2 },
  });

  report({
    what: `the same, against emit to a backend that does nothing in a process that has nothing else to do (any work between bursts slows down what follows it)`,
    unit: 'ns',
    result: await sideBySide({
      subject: () => flushed(nanosecondsPerCallInBursts(emit, events, hasRoom)),
      alternative: () => nanosecondsPerCallInBursts(emitToNothing, events),
      rounds,
    }),
  });
}
