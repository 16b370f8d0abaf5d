import { spawn } from 'node:child_process';

/** The exit code and the output of a process. */
export interface Run {
  code: number | null;
  output: string;
}

/** Runs a script with Node to its end; the output combines stdout and stderr. */
export function runNode(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Run> {
  // Scripts must not find the servers of the tests by themselves.
  const { MONGODB_URI: _, REDIS_URL: __, ...environment } = process.env;
  const child = spawn(process.execPath, args, {
    cwd: options.cwd,
    env: { ...environment, NODE_OPTIONS: '', NO_COLOR: '1', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code) => resolve({ code, output }));
  });
}
