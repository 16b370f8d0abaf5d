/** An application with a thread processor that is never closed; the process must end by itself. */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  AsyncRoutingBackend,
  EventTrackingModule,
  MemoryBackend,
  MemoryEventQueue,
  RoutingBackend,
  Tracker,
} from 'nestjs-event-tracking';
import { ThreadProcessor } from 'nestjs-event-tracking/threads';

const [kind, path] = process.argv.slice(2);
const useFactory = () => new ThreadProcessor(path, { threads: 1, idleTimeout: 3_600_000 });
const memory = new MemoryBackend();

const processors = [kind === 'factory' ? { useFactory } : useFactory()];

class AppModule {}
Module({
  imports: [
    EventTrackingModule.forRoot({
      queue: new MemoryEventQueue(),
      backends: { node: { processors, backends: { memory } } },
    }),
  ],
})(AppModule);

const emit = (tracker) => ['one', 'two', 'three'].forEach((name) => tracker.emit(name));

let tracker;
if (kind === 'without-nest') {
  const node = new RoutingBackend({ processors: [useFactory()], backends: { memory } });
  tracker = new Tracker({ backends: { queued: new AsyncRoutingBackend({ backends: { node } }) } });
  emit(tracker);
  await tracker.flush();
} else {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
  tracker = app.get(Tracker);
  emit(tracker);
  await app.close();
}
const counts = memory.events.map(({ data }) => data.count);
const [{ filtered }] = Object.entries(tracker.stats().backends)
  .filter(([path]) => path.endsWith('node'))
  .map(([, stats]) => stats);
console.log(JSON.stringify({ counts, filtered }));
