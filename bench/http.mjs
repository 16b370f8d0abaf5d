/** Measures requests per second with event tracking and both decorators, against bare Nest. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { report, sideBySide } from './side-by-side.mjs';

const SERVER = fileURLToPath(new URL('./http-server.mjs', import.meta.url));
const SECONDS = Number(process.env.BENCH_SECONDS ?? 4);

async function serve(kind) {
  const child = fork(SERVER, [kind]);
  const [url] = await once(child, 'message');
  return { url: `${url}/addresses/7`, stop: () => child.disconnect() };
}

async function requestsPerSecond({ url }) {
  const { requests, duration, errors, non2xx } = await autocannon({
    url,
    connections: 32,
    duration: SECONDS,
  });
  if (errors + non2xx > 0)
    throw new Error(`${errors} errors, ${non2xx} responses that are not 2xx`);
  return requests.total / duration;
}

const [bare, tracked] = await Promise.all([serve('bare'), serve('tracked')]);
try {
  const result = await sideBySide({
    subject: () => requestsPerSecond(tracked),
    alternative: () => requestsPerSecond(bare),
  });
  report({
    what: 'HTTP requests with the module, @TrackContext and @EmitEvent, against bare Nest on Express',
    unit: 'requests/s',
    result,
    goal: { atLeast: 0.93 },
  });
} finally {
  bare.stop();
  tracked.stop();
}
