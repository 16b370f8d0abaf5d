import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { needsWorker, queueLocation } from './tracking/queue.js';
import { warehouseLocation } from './tracking/warehouse.js';

const app = await NestFactory.create(AppModule);
app.enableShutdownHooks();
await app.listen(process.env['PORT'] ?? 3000);

const url = `http://localhost:${new URL(await app.getUrl()).port}`;
console.log(`
The course API listens on ${url}. Send requests, and watch the events in this log and in ${warehouseLocation()}:

  curl -H 'x-user: ada' ${url}/courses/nest-101
  curl -H 'x-user: ada' -d plan=certificate ${url}/courses/nest-101/enrolments

Events for the warehouse wait in ${queueLocation()}.${needsWorker ? ' Start a worker: node dist/src/worker.js' : ''}
`);
