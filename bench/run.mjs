/** Runs all benchmarks, each in a process of its own. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const all = [
  'emit',
  'event-types',
  'logger',
  'http',
  'mongo',
  'segment',
  'bullmq',
  'disk',
  'threads',
  'peers',
];
const wanted = process.argv.slice(2);

console.log(`Node ${process.version}`);
for (const name of wanted.length > 0 ? wanted : all) {
  const file = fileURLToPath(new URL(`./${name}.mjs`, import.meta.url));
  const { status } = spawnSync(process.execPath, ['--expose-gc', file], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
