/**
 * A Nest application with one route, with or without a context per request; reports its CPU time
 * to its parent on request.
 */
import 'reflect-metadata';
import { Controller, Get, Module, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';

const [adapter, kind] = process.argv.slice(2);
const { imports, decorators, read, prepare } = await import(`./requests/${kind}.mjs`);

class AddressesController {
  read(id) {
    return { id, country: 'United States' };
  }
}
if (read !== undefined) AddressesController.prototype.read = read;
const { prototype } = AddressesController;
const decorated = [Get(':id'), ...(decorators ?? [])].reduceRight(
  (descriptor, decorate) => decorate(prototype, 'read', descriptor) ?? descriptor,
  Object.getOwnPropertyDescriptor(prototype, 'read'),
);
Object.defineProperty(prototype, 'read', decorated);
Param('id')(prototype, 'read', 0);
Controller('addresses')(AddressesController);

class AppModule {}
Module({ imports: imports ?? [], controllers: [AddressesController] })(AppModule);

const app = await NestFactory.create(
  AppModule,
  ...(adapter === 'fastify' ? [new FastifyAdapter()] : []),
  { logger: ['error'] },
);
prepare?.(app, adapter);
await app.listen(0, '127.0.0.1');
process.send(`${await app.getUrl()}/addresses/7`);
process.on('message', () => process.send(process.cpuUsage()));
process.on('disconnect', () => process.exit());
