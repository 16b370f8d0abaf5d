/**
 * Runs a command with a MongoDB server at MONGODB_URI: finds or installs the server, starts it, and
 * stops it when the command has ended.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  console.error('Usage: npm run services -- COMMAND [ARGUMENT…]');
  process.exit(2);
}

const file = fileURLToPath(new URL('mongo-server.ts', import.meta.url));
const { module } = await runnerImport(file, { logLevel: 'error', configFile: false });
const started = Date.now();
const mongo =
  process.env.MONGODB_URI === undefined ? await module.startMongo({ fast: true }) : undefined;
if (mongo !== undefined) {
  console.log(`MongoDB: ${mongo.description}, started in ${Date.now() - started} ms`);
}
try {
  const env = { ...process.env, MONGODB_URI: process.env.MONGODB_URI ?? mongo.uri };
  const child = spawn(command, args, { env, stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  process.exitCode = code ?? 1;
} finally {
  await mongo?.stop();
}
