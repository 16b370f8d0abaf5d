/** A Nest application with one route, bare or with event tracking; sends its URL to its parent. */
import 'reflect-metadata';
import { Controller, Get, Module, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EmitEvent, EventTrackingModule, TrackContext } from 'nestjs-event-tracking';

const tracked = process.argv[2] === 'tracked';

class AddressesController {
  read(id) {
    return { id, country: 'United States' };
  }
}
const decorators = [Get(':id')];
if (tracked) {
  decorators.push(
    TrackContext('address', ({ args: [id] }) => ({ address_id: id })),
    EmitEvent('address.read', { data: ({ result }) => ({ country: result.country }) }),
  );
}
const { prototype } = AddressesController;
const decorated = decorators.reduceRight(
  (descriptor, decorate) => decorate(prototype, 'read', descriptor) ?? descriptor,
  Object.getOwnPropertyDescriptor(prototype, 'read'),
);
Object.defineProperty(prototype, 'read', decorated);
Param('id')(prototype, 'read', 0);
Controller('addresses')(AddressesController);

class AppModule {}
Module({
  imports: tracked ? [EventTrackingModule.forRoot({ backends: { nothing: { send() {} } } })] : [],
  controllers: [AddressesController],
})(AppModule);

const app = await NestFactory.create(AppModule, { logger: ['error'] });
await app.listen(0, '127.0.0.1');
process.send(await app.getUrl());
process.on('disconnect', () => process.exit());
