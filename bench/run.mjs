/** Runs all benchmarks, or the named ones, each in a separate process. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ALL = [
  'emit',
  'event-types',
  'logger',
  'http',
  'http-backend',
  'requests',
  'mongo',
  'segment',
  'bullmq',
  'disk',
  'threads',
  'peers',
];
/** Starting MongoDB may take minutes, so only the benchmarks that need it wait for it. */
const NEED_MONGODB = new Set(['mongo']);

const pathOf = (name) => fileURLToPath(new URL(name, import.meta.url));
const wanted = process.argv.slice(2);

console.log(`Node ${process.version}`);
for (const name of wanted.length > 0 ? wanted : ALL) {
  const command = [process.execPath, '--expose-gc', pathOf(`./${name}.mjs`)];
  const args = NEED_MONGODB.has(name)
    ? [pathOf('../test/services/run.mjs'), ...command]
    : command.slice(1);
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
