import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { EventStats } from 'nestjs-event-tracking';
import { ROOT } from './root.js';

/** An application in a separate process that emits to MongoDB until it is terminated. */
export interface Producer {
  /** Resolves when a number of events have been emitted. */
  hasEmitted(count: number): Promise<void>;
  terminate(): void;
  /** Resolves to the report of the application when it has ended. */
  ended(): Promise<{ emitted: number; stats: EventStats; output: string }>;
}

export async function startProducer(options: {
  uri: string;
  shutdownTimeout?: number;
}): Promise<Producer> {
  const script = join(ROOT, 'test/support/producer-application.mjs');
  const child = spawn(process.execPath, [script, JSON.stringify(options)], {
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const closed = once(child, 'close');
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  }
  const emitted = (): number =>
    Number(
      output
        .match(/emitted \d+/g)
        ?.at(-1)
        ?.slice(8) ?? 0,
    );
  return {
    async hasEmitted(count) {
      while (emitted() < count) {
        if (child.exitCode !== null) throw new Error(`The producer ended:\n${output}`);
        await once(child.stdout, 'data');
      }
    },
    terminate: () => void child.kill('SIGTERM'),
    async ended() {
      await closed;
      const report = /^end (.*)$/m.exec(output)?.[1];
      if (report === undefined) throw new Error(`The producer ended without a report:\n${output}`);
      return { ...(JSON.parse(report) as { emitted: number; stats: EventStats }), output };
    },
  };
}
