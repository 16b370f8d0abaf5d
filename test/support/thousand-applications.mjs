/** Creates and closes applications in sequence; prints leaked memory, listeners and timers. */
import 'reflect-metadata';
import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  EmitEvent,
  EventTrackingModule,
  MemoryBackend,
  TrackContext,
  Tracker,
} from 'nestjs-event-tracking';

const COUNT = Number(process.argv[2]);

function decorate(decorators, prototype, key) {
  const descriptor = decorators.reduceRight(
    (current, decorator) => decorator(prototype, key, current) ?? current,
    Object.getOwnPropertyDescriptor(prototype, key),
  );
  Object.defineProperty(prototype, key, descriptor);
}

class Service {
  work() {
    return 'worked';
  }
}
decorate(
  [TrackContext('service', { service: true }), EmitEvent('service.worked')],
  Service.prototype,
  'work',
);
Injectable()(Service);

class CoursesController {
  constructor(service) {
    this.service = service;
  }

  read() {
    return this.service.work();
  }
}
Reflect.defineMetadata('design:paramtypes', [Service], CoursesController);
decorate([Get(), TrackContext()], CoursesController.prototype, 'read');
Controller()(CoursesController);

async function runApplication(number) {
  const memory = new MemoryBackend();
  class AppModule {}
  Module({
    imports: [
      EventTrackingModule.forRoot({
        backends: {
          nested: { backends: { memory, made: { useFactory: () => new MemoryBackend() } } },
        },
        trackers: { audit: { backends: { memory: new MemoryBackend() } } },
        registerGlobally: true,
      }),
    ],
    controllers: [CoursesController],
    providers: [Service],
  })(AppModule);
  const app = await NestFactory.create(AppModule, {
    logger: false,
    abortOnError: false,
    forceCloseConnections: true,
  });
  app.get(Tracker).enterContext('process', { application: number });
  if (number % 50 === 0) {
    await app.listen(0, '127.0.0.1');
    await (await fetch(await app.getUrl())).text();
  } else {
    await app.init();
    app.get(Service).work();
  }
  await app.close();
  const [event, ...others] = memory.events;
  if (
    others.length > 0 ||
    event?.context.application !== number ||
    event.context.service !== true
  ) {
    throw new Error(`application ${number} saw ${JSON.stringify(memory.events)}`);
  }
}

async function heapInUse() {
  for (let round = 0; round < 6; round++) {
    globalThis.gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().heapUsed;
}

const listeners = () =>
  Object.fromEntries(
    process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
  );

const REGISTRY = Symbol.for('event-tracking:registry');

await runApplication(0);
const listenersBefore = listeners();
const heap = {};
for (let number = 1; number <= COUNT; number++) {
  await runApplication(number);
  if (number === COUNT / 2) heap.half = await heapInUse();
}
heap.end = await heapInUse();
console.log(
  JSON.stringify({
    grown: heap.end - heap.half,
    listenersBefore,
    listenersAfter: listeners(),
    timers: process
      .getActiveResourcesInfo()
      .filter((name) => name === 'Timeout' || name === 'Immediate'),
    registered: [...(globalThis[REGISTRY]?.keys() ?? [])],
  }),
);
