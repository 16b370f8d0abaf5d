/**
 * Compares clients by the cost of an event to its caller and by the events per second that arrive.
 * Each runs with its defaults, in turns, with the same event and the same server.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { nanosecondsPerCallInBursts } from './bursts.mjs';
import {
  eventTracking,
  eventTrackingInLargeBatches,
  eventTrackingToSegment,
} from './peers/event-tracking.mjs';
import { openTelemetry } from './peers/opentelemetry.mjs';
import { posthog } from './peers/posthog.mjs';
import { segment } from './peers/segment.mjs';

/** Fits into most queues; a multiple of the batch size of clients that delay the last batch. */
const EVENTS = 9_000;
const WARM_UP_ROUNDS = 3;
const rounds = Number(process.env.BENCH_ROUNDS ?? 11);

const sink = fork(fileURLToPath(new URL('peers/sink.mjs', import.meta.url)));
const [port] = await once(sink, 'message');

const peers = [
  eventTracking,
  eventTrackingInLargeBatches,
  eventTrackingToSegment,
  posthog,
  segment,
  openTelemetry,
];
const runs = peers.map((peer) => ({
  peer,
  client: peer.open(`http://127.0.0.1:${port}`, peer.settings?.(EVENTS)),
  figures: { cost: [], cpu: [], rate: [], lost: [] },
}));

async function arrivedAt(path) {
  sink.send(path);
  const [events] = await once(sink, 'message');
  return events;
}

/** Emits in bursts and waits until all events are sent; counts only those that arrived. */
async function measure({ peer, client }) {
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const cost = await client.inContext(() => nanosecondsPerCallInBursts(client.emit, EVENTS));
  await client.flush();
  const seconds = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const arrived = await arrivedAt(peer.path);
  return {
    cost: cost / 1_000,
    cpu: (user + system) / EVENTS,
    rate: arrived / seconds,
    lost: EVENTS - arrived,
  };
}

for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
  for (let turn = 0; turn < runs.length; turn++) {
    // Each round starts with another client, so that a slow phase of the machine affects all.
    const run = runs[(turn + round + WARM_UP_ROUNDS) % runs.length];
    // A full garbage collection would discard the optimised code of the clients that wait.
    globalThis.gc?.({ type: 'minor' });
    const figures = await measure(run);
    if (round < 0) continue;
    for (const [name, figure] of Object.entries(figures)) run.figures[name].push(figure);
  }
}
await Promise.all(runs.map(({ client }) => client.close()));
sink.kill();

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const timesFirst = (name, { figures }) =>
  median(figures[name].map((figure, round) => figure / runs[0].figures[name][round]));

const thousands = (figure) => (Math.round(figure / 100) * 100).toLocaleString('en');
const versionOf = (name) =>
  JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url)))
    .version;

const table = [
  ['Client', 'Caller’s cost of an event', 'CPU time of an event', 'Events/s that arrive', 'Lost'],
  ['---', '---:', '---:', '---:', '---:'],
];
for (const run of runs) {
  const { peer, figures } = run;
  const ratio = (name) => (run === runs[0] ? '' : ` (× ${timesFirst(name, run).toFixed(2)})`);
  table.push([
    peer.package === undefined ? peer.name : `${peer.name} ${versionOf(peer.package)}`,
    `${median(figures.cost).toFixed(2)} µs${ratio('cost')}`,
    `${median(figures.cpu).toFixed(1)} µs${ratio('cpu')}`,
    `${thousands(median(figures.rate))}${ratio('rate')}`,
    `${figures.lost.reduce((sum, lost) => sum + lost, 0)}`,
  ]);
}
console.log(`${rounds} rounds of ${EVENTS} events, medians; × is against the first line\n`);
for (const row of table) console.log(`| ${row.join(' | ')} |`);
const changed = peers.filter(({ settings }) => settings !== undefined);
for (const { name, settings } of changed) {
  console.log(`\nNot a default of ${name}: ${JSON.stringify(settings(EVENTS))}`);
}
