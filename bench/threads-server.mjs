/** A Nest application that emits in some requests, behind a queue; sends its URL to its parent. */
import 'reflect-metadata';
import { Controller, Get, Module, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventTrackingModule, MemoryEventQueue, Tracker } from 'nestjs-event-tracking';
import { ThreadProcessor } from 'nestjs-event-tracking/threads';
import burn from './burn.processor.mjs';

const PROCESSORS = {
  without: [],
  threads: [new ThreadProcessor(new URL('./burn.processor.mjs', import.meta.url), { threads: 1 })],
  main: [burn],
};
const processors = PROCESSORS[process.argv[2]];
const EMITTING = Number(process.env.BENCH_EMITTING);

class AddressesController {
  constructor(tracker) {
    this.tracker = tracker;
  }

  read(id) {
    if (id % EMITTING === 0) this.tracker.emit('address.read', { id });
    return { id, country: 'United States' };
  }
}
const { prototype } = AddressesController;
Get(':id')(prototype, 'read', Object.getOwnPropertyDescriptor(prototype, 'read'));
Param('id')(prototype, 'read', 0);
Controller('addresses')(AddressesController);
Reflect.defineMetadata('design:paramtypes', [Tracker], AddressesController);

class AppModule {}
Module({
  imports: [
    EventTrackingModule.forRoot({
      queue: new MemoryEventQueue(),
      backends: { node: { processors, backends: { nothing: { send() {} } } } },
    }),
  ],
  controllers: [AddressesController],
})(AppModule);

const app = await NestFactory.create(AppModule, { logger: ['error'] });
await app.listen(0, '127.0.0.1');
process.send(await app.getUrl());
/** Answers any message with the stats of the backend after the last delivery. */
process.on('message', async () => {
  const tracker = app.get(Tracker);
  await tracker.flush();
  process.send(tracker.stats().backends['node.nothing']);
});
process.on('disconnect', () => process.exit());
