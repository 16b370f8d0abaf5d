import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Provides a temporary directory for the test run and its processes; removes it at the end. */
export default async function provideTemporaryDirectory(): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'et-tests-'));
  process.env['TMPDIR'] = directory;
  return () => rm(directory, { recursive: true, force: true, maxRetries: 3 });
}
