import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { EventStats, DeliveryOptions } from 'nestjs-event-tracking';

/** The options of a producer. */
export interface ProducerOptions {
  uri: string;
  count: number;
  /** Events between two turns of the event loop; 0 never yields. */
  burst: number;
  /** Whether it waits for room in the queue. */
  paced?: boolean;
  delivery: Required<Pick<DeliveryOptions, 'capacity' | 'maxBytes'>> & DeliveryOptions;
}

/** The report that a producer prints at its end. */
export interface ProducerReport {
  stats: EventStats;
  /** How many events it emitted before the measurement. */
  warmUp: number;
  emitNanoseconds: number;
  noopNanoseconds: number;
  eventsPerSecond: number;
  delayP99Milliseconds: number;
  /** Growth of the process's resident memory to its peak, in bytes. */
  growthWhileEmitting: number;
  growth: number;
  rejections: string[];
}

const HEAP_BESIDE_QUEUE_MIB = 128;

const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20);

/** Runs a producer in a separate process; calls back when it starts and stops emitting. */
export async function runProducer(
  options: ProducerOptions,
  on: { emitting?: () => void; emitted?: () => void } = {},
): Promise<ProducerReport> {
  const script = fileURLToPath(new URL('mongo-producer.mjs', import.meta.url));
  // The heap has room for the queue and the rest of the process, but not for a second queue.
  const heap = `--max-old-space-size=${mebibytes(options.delivery.maxBytes) + HEAP_BESIDE_QUEUE_MIB}`;
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
  const report = /^end (.*)$/m.exec(output)?.[1];
  if (report === undefined) throw new Error(`The producer ended without a report:\n${output}`);
  const figures = JSON.parse(report) as ProducerReport;
  console.log(
    `${options.count} events: ${Math.round(figures.eventsPerSecond)} per second, emit ` +
      `${Math.round(figures.emitNanoseconds)} ns (no-op ${Math.round(figures.noopNanoseconds)} ns), ` +
      `event-loop delay p99 ${figures.delayP99Milliseconds.toFixed(1)} ms, ` +
      `memory +${mebibytes(figures.growthWhileEmitting)} MiB while emitting, +${mebibytes(figures.growth)} MiB in all, ${JSON.stringify(figures.stats)}`,
  );
  return figures;
}
