/**
 * Measures the CPU time of a server per request, in user and system mode: bare Nest, a hand-written
 * hook that creates the same event, this module with both decorators, and two modules that also
 * keep a context for each request.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';

const REQUESTS = 10_000;
/**
 * The servers take turns within a round too, because the speed of a shared machine varies from
 * second to second.
 */
const TURNS = 4;
const WARM_UP_ROUNDS = 2;
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const ADAPTERS = (process.env.BENCH_ADAPTERS ?? 'express,fastify').split(',');
const BASELINE = 'hand-written';
const KINDS = (
  process.env.BENCH_KINDS ?? `bare,${BASELINE},event-tracking,nestjs-cls,nestjs-pino`
).split(',');

const SERVER = fileURLToPath(new URL('./requests-server.mjs', import.meta.url));

async function serve(adapter, kind) {
  const child = fork(SERVER, [adapter, kind], {
    execArgv: process.env.BENCH_SERVER_ARGS?.split(' ') ?? [],
  });
  const [url] = await once(child, 'message');
  return {
    kind,
    url,
    figures: [],
    async cpuTime() {
      child.send('cpu');
      const [{ user, system }] = await once(child, 'message');
      return user + system;
    },
    stop: () => child.disconnect(),
  };
}

/** Returns the microseconds of CPU time that the server spends on some requests. */
async function measure(server, amount) {
  const before = await server.cpuTime();
  const { errors, non2xx } = await autocannon({ url: server.url, connections: 32, amount });
  if (errors + non2xx > 0)
    throw new Error(`${errors} errors, ${non2xx} responses that are not 2xx`);
  return (await server.cpuTime()) - before;
}

/** Returns the microseconds of CPU time per request, for each server. */
async function runRound(servers) {
  const times = new Map(servers.map((server) => [server, 0]));
  for (let turn = 0; turn < TURNS; turn++) {
    // The order changes each turn, so that no server always follows the same one.
    for (const server of turn % 2 === 0 ? servers : servers.toReversed()) {
      times.set(server, times.get(server) + (await measure(server, REQUESTS / TURNS)));
    }
  }
  return servers.map((server) => times.get(server) / REQUESTS);
}

async function compare(adapter) {
  const servers = [];
  try {
    for (const kind of KINDS) servers.push(await serve(adapter, kind));
    for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
      const figures = await runRound(servers);
      if (round >= 0) servers.forEach((server, index) => server.figures.push(figures[index]));
    }
  } finally {
    for (const server of servers) server.stop();
  }
  return servers;
}

const sorted = (values) => values.toSorted((a, b) => a - b);
const median = (values) => sorted(values)[Math.floor(values.length / 2)];

function row({ kind, figures }, baseline) {
  const ratios = figures.map((figure, round) => baseline.figures[round] / figure);
  const [lowest, highest] = [sorted(ratios)[0], sorted(ratios).at(-1)];
  const range = kind === BASELINE ? '' : ` (${lowest.toFixed(2)} to ${highest.toFixed(2)})`;
  return `| ${kind} | ${median(figures).toFixed(1)} µs | ${median(ratios).toFixed(2)}${range} |`;
}

console.log(
  `CPU time of the server per request, medians of ${ROUNDS} rounds of ${REQUESTS} requests; the ratio is that of the ` +
    `hand-written hook's time to each one's, so higher is better`,
);
for (const adapter of ADAPTERS) {
  const servers = await compare(adapter);
  const baseline = servers.find(({ kind }) => kind === BASELINE) ?? servers[0];
  console.log(`\n| ${adapter} | CPU per request | ratio |\n| --- | ---: | ---: |`);
  for (const server of servers) console.log(row(server, baseline));
}
