/**
 * Sends numbered requests at random moments, at a given average rate, without waiting for earlier
 * ones. Reports the duration of each to its parent in microseconds, except in the first second, in
 * which the client itself is slow.
 */
import { Agent, get } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

const [url, rate, seconds] = process.argv.slice(2).map((each, index) => (index ? +each : each));
const WARM_UP_MS = 1_000;
const agent = new Agent({ keepAlive: true });

/** Generates the same moments in each run. */
let seed = 7;
function random() {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed / 2_147_483_647;
}

function microsecondsOfRequest(number) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    get(`${url}/${number}`, { agent }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`answer ${response.statusCode}`));
      response.resume().on('end', () => resolve((performance.now() - start) * 1_000));
    }).on('error', reject);
  });
}

const start = performance.now();
const requests = [];
let early = 0;
for (
  let moment = 0;
  moment < WARM_UP_MS + seconds * 1_000;
  moment -= (Math.log(random()) / rate) * 1_000
) {
  await pause(Math.max(0, moment - (performance.now() - start)));
  requests.push(microsecondsOfRequest(requests.length));
  if (moment < WARM_UP_MS) early++;
}
process.send({ times: (await Promise.all(requests)).slice(early), sent: requests.length });
agent.destroy();
process.disconnect();
