/** Measures request times while a queued processor computes, in a thread or on the main thread. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { report, sideBySide } from './side-by-side.mjs';

const BURN_MS = 20;
/** Requests per second, enough for a percentile. */
const RATE = 200;
/** One request in this number emits; the events of a second take half a second to compute. */
const EMITTING = 8;
const SECONDS = Number(process.env.BENCH_SECONDS ?? 10);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 9);

const file = (name) => fileURLToPath(new URL(name, import.meta.url));
const env = { ...process.env, BENCH_BURN_MS: String(BURN_MS), BENCH_EMITTING: String(EMITTING) };

async function serve(kind) {
  const child = fork(file('./threads-server.mjs'), [kind], { env });
  const [url] = await once(child, 'message');
  return {
    url: `${url}/addresses`,
    async delivered() {
      child.send('stats');
      return (await once(child, 'message'))[0].delivered;
    },
    stop: () => child.disconnect(),
  };
}

/** Measures request times in microseconds; throws if events are lost. */
async function timesOf(server) {
  const before = await server.delivered();
  const load = fork(file('./steady-load.mjs'), [server.url, RATE, SECONDS]);
  const [{ times, sent }] = await once(load, 'message');
  const events = (await server.delivered()) - before;
  if (events !== Math.ceil(sent / EMITTING)) throw new Error(`${sent} requests, ${events} events`);
  return times;
}

const percentile99 = (times) => times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)];

/** Takes figures from all requests, because one round is too short for a percentile. */
async function compare(kind, rounds) {
  const all = { [kind]: [], without: [] };
  const slowest = async (which) => {
    const times = await timesOf(servers[which]);
    all[which].push(...times);
    return percentile99(times);
  };
  const { ratio } = await sideBySide({
    subject: () => slowest(kind),
    alternative: () => slowest('without'),
    rounds,
  });
  const [subject, alternative] = [percentile99(all[kind]), percentile99(all.without)];
  return {
    subject: { median: subject },
    alternative: { median: alternative },
    ratio: { ...ratio, median: subject / alternative },
  };
}

const servers = {};
for (const kind of ['without', 'threads', 'main']) {
  servers[kind] = await serve(kind);
  await timesOf(servers[kind]); // warm-up
}
const what = (where) =>
  `99th percentile of ${RATE} requests/s, of which ${RATE / EMITTING} emit an event that a processor computes on for ${BURN_MS} ms behind a queue ${where}, ` +
  `against the same application without that processor`;

try {
  report({
    what: what('in a thread'),
    unit: 'µs',
    result: await compare('threads', ROUNDS),
    goal: { atMost: 1.2 },
  });
  report({
    what: what('on the main thread, for comparison'),
    unit: 'µs',
    result: await compare('main', Math.min(3, ROUNDS)),
  });
} finally {
  for (const server of Object.values(servers)) server.stop();
}
