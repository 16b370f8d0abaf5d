/** How long requests take while a processor behind a queue computes: in a thread, and on the main thread. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { report, sideBySide } from './side-by-side.mjs';

const BURN_MS = 20;
const RATE = 25;
const SECONDS = Number(process.env.BENCH_SECONDS ?? 15);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 9);

const file = (name) => fileURLToPath(new URL(name, import.meta.url));
const env = { ...process.env, BENCH_BURN_MS: String(BURN_MS) };

async function serve(kind) {
  const child = fork(file('./threads-server.mjs'), [kind], { env });
  const [url] = await once(child, 'message');
  return {
    url: `${url}/addresses/7`,
    async delivered() {
      child.send('how are you?');
      return (await once(child, 'message'))[0].delivered;
    },
    stop: () => child.disconnect(),
  };
}

/** The 99th percentile of the time that requests took, in microseconds; all events have to arrive. */
async function slowest(server) {
  const before = await server.delivered();
  const load = fork(file('./steady-load.mjs'), [server.url, RATE, SECONDS]);
  const [{ times, sent }] = await once(load, 'message');
  const events = (await server.delivered()) - before;
  if (events !== sent) throw new Error(`${sent} requests, ${events} events`);
  return times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)];
}

const servers = {};
for (const kind of ['without', 'threads', 'main']) servers[kind] = await serve(kind);
const against = (kind, rounds) =>
  sideBySide({
    subject: () => slowest(servers[kind]),
    alternative: () => slowest(servers.without),
    rounds,
  });
const what = (where) =>
  `99th percentile of ${RATE} requests/s, whose events compute ${BURN_MS} ms behind a queue ${where}, ` +
  `against the same application without that processor`;

try {
  report({
    what: what('in a thread'),
    unit: 'µs',
    result: await against('threads', ROUNDS),
    goal: { atMost: 1.2 },
  });
  const { subject, alternative, ratio } = await against('main', Math.min(3, ROUNDS));
  console.log(
    `${what('on the main thread, for comparison')}\n` +
      `  ${subject.median.toFixed()} against ${alternative.median.toFixed()} µs: ratio ${ratio.median.toFixed(1)}`,
  );
} finally {
  for (const server of Object.values(servers)) server.stop();
}
