import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { needsWorker, placeOfQueue } from './tracking/queue.js';
import { placeOfEvents } from './tracking/warehouse.js';

const app = await NestFactory.create(AppModule);
app.enableShutdownHooks();
await app.listen(process.env['PORT'] ?? 3000);

const url = `http://localhost:${new URL(await app.getUrl()).port}`;
console.log(`
The course API listens on ${url}. Try, and watch the events in this log and in ${placeOfEvents()}:

  curl -H 'x-user: ada' ${url}/courses/nest-101
  curl -H 'x-user: ada' -d plan=certificate ${url}/courses/nest-101/enrolments

What is on its way to the warehouse waits in ${placeOfQueue()}.${needsWorker ? ' Start a worker: node dist/src/worker.js' : ''}
`);
