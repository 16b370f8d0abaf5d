/** An application whose only request emits one second after SIGTERM. */
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventTrackingModule, Tracker } from 'nestjs-event-tracking';

class Connection {
  isOpen = true;

  onApplicationShutdown() {
    this.isOpen = false;
    console.log('connection closed');
  }
}
class ConnectionModule {}
Module({ providers: [Connection], exports: [Connection] })(ConnectionModule);

class SlowController {
  constructor(tracker) {
    this.tracker = tracker;
  }

  async slow() {
    console.log('request started');
    await new Promise((resolve) => process.once('SIGTERM', resolve));
    await new Promise((resolve) => setTimeout(resolve, 1000));
    this.tracker.emit('emitted one second after SIGTERM');
    return 'done';
  }
}
Reflect.defineMetadata('design:paramtypes', [Tracker], SlowController);
Get()(
  SlowController.prototype,
  'slow',
  Object.getOwnPropertyDescriptor(SlowController.prototype, 'slow'),
);
Controller()(SlowController);

const store = {
  useFactory: (connection) => ({
    async send({ name }) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      console.log(connection.isOpen ? `stored: ${name}` : `lost: ${name}`);
    },
  }),
  inject: [Connection],
};

class AppModule {}
Module({
  imports: [
    { module: ConnectionModule, global: true },
    EventTrackingModule.forRoot({ backends: { store } }),
  ],
  controllers: [SlowController],
})(AppModule);

const app = await NestFactory.create(AppModule, { logger: false });
app.enableShutdownHooks();
await app.listen(0, '127.0.0.1');
console.log(`listening on ${await app.getUrl()}`);
