import { spawn } from 'node:child_process';

/** An application that runs in a separate process. */
export interface ListeningApp extends AsyncDisposable {
  readonly url: string;
  /** Resolves to the first match of a pattern in the output. */
  printed(pattern: RegExp): Promise<RegExpMatchArray>;
}

/** Starts a script on a free port; the script must print `Listening on <url>`. */
export async function startApp(script: string): Promise<ListeningApp> {
  const child = spawn(process.execPath, [script], {
    env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise<unknown>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  const printed = (pattern: RegExp) =>
    new Promise<RegExpMatchArray>((resolve, reject) => {
      const look = (): void => {
        const match = output.match(pattern);
        if (match === null) return;
        listeners.delete(look);
        resolve(match);
      };
      listeners.add(look);
      look();
      const fail = (): void =>
        reject(new Error(`The application ended without printing ${pattern}:\n${output}`));
      ended.then(fail, fail);
    });
  const [, url] = await printed(/Listening on (\S+)/);
  return {
    url: url!,
    printed,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
