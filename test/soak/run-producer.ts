import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { EventStats, DeliveryOptions } from 'nestjs-event-tracking';

/** What a producer is to do. */
export interface ProducerOptions {
  uri: string;
  count: number;
  /** Events between two turns of the event loop; 0 never yields. */
  burst: number;
  /** Whether it waits for room in the queue. */
  paced?: boolean;
  delivery: Required<Pick<DeliveryOptions, 'capacity' | 'maxBytes'>> & DeliveryOptions;
}

/** What a producer says at its end. */
export interface ProducerReport {
  account: EventStats;
  /** How many events it emitted before it began to count. */
  warmUp: number;
  emitNanoseconds: number;
  noopNanoseconds: number;
  eventsPerSecond: number;
  delayP99Milliseconds: number;
  /** Of the process's resident memory, in bytes, at its highest. */
  growthWhileEmitting: number;
  growth: number;
  rejections: string[];
}

const HEAP_OF_THE_REST_MIB = 128;

const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20);

/** Runs a producer in a process of its own; is told when it begins and ends to emit. */
export async function runProducer(
  options: ProducerOptions,
  on: { emitting?: () => void; emitted?: () => void } = {},
): Promise<ProducerReport> {
  const script = fileURLToPath(new URL('mongo-producer.mjs', import.meta.url));
  // The heap may hold the queue and what a process holds anyway, and no second queue.
  const heap = `--max-old-space-size=${mebibytes(options.delivery.maxBytes) + HEAP_OF_THE_REST_MIB}`;
  const args = [heap, script, JSON.stringify(options)];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let output = '';
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  }
  child.on('message', (message: 'emitting' | 'emitted') => on[message]?.());
  await once(child, 'close');
  const said = /^end (.*)$/m.exec(output)?.[1];
  if (said === undefined) throw new Error(`The producer did not come to its end:\n${output}`);
  const report = JSON.parse(said) as ProducerReport;
  console.log(
    `${options.count} events: ${Math.round(report.eventsPerSecond)} per second, emit ` +
      `${Math.round(report.emitNanoseconds)} ns (no-op ${Math.round(report.noopNanoseconds)} ns), ` +
      `event-loop delay p99 ${report.delayP99Milliseconds.toFixed(1)} ms, ` +
      `memory +${mebibytes(report.growthWhileEmitting)} MiB while emitting, +${mebibytes(report.growth)} MiB in all, ${JSON.stringify(report.account)}`,
  );
  return report;
}
