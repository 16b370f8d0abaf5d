import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { EventStats } from 'nestjs-event-tracking';
import { ROOT } from './root.js';

/** An application in a process of its own that emits to MongoDB until it is told to end. */
export interface Producer {
  /** Resolves when so many events have been emitted. */
  hasEmitted(count: number): Promise<void>;
  terminate(): void;
  /** What it says of itself when it has ended. */
  ended(): Promise<{ emitted: number; account: EventStats; output: string }>;
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
      const said = /^end (.*)$/m.exec(output)?.[1];
      if (said === undefined) throw new Error(`The producer said nothing at its end:\n${output}`);
      return { ...(JSON.parse(said) as { emitted: number; account: EventStats }), output };
    },
  };
}
