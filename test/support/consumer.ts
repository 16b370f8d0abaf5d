import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './root.js';

const run = promisify(execFile);

/** The package that `npm pack` built. */
export interface Tarball {
  path: string;
  files: string[];
}

/** Packs the library as publishing would. */
export async function packLibrary(): Promise<Tarball> {
  const destination = await mkdtemp(join(tmpdir(), 'packed-'));
  const { stdout } = await run(
    'npm',
    [
      'pack',
      '--json',
      '--silent',
      '--pack-destination',
      destination,
      '-w',
      'nestjs-event-tracking',
    ],
    { cwd: ROOT, maxBuffer: 16 << 20 },
  );
  const [packed] = Object.values(
    JSON.parse(stdout) as Record<string, { filename: string; files: { path: string }[] }>,
  );
  return {
    path: join(destination, packed!.filename),
    files: packed!.files.map(({ path }) => path),
  };
}

/** A user's project that has installed the library and contains nothing else. */
export class Consumer {
  private constructor(private readonly directory: string) {}

  static async install(
    nest: 11 | 12,
    tarball: Tarball,
    packages: readonly string[] = [],
  ): Promise<Consumer> {
    const consumer = new Consumer(await mkdtemp(join(tmpdir(), `consumer-${nest}-`)));
    await consumer.write('package.json', { name: 'consumer', private: true });
    const all = [
      ...['common', 'core', 'platform-express'].map((name) => `@nestjs/${name}@${nest}`),
      'nestjs-cls@6',
      'rxjs@7',
      'reflect-metadata',
      'typescript@~6.0.3',
      '@types/node@20',
      ...packages,
    ];
    const options = ['--prefer-offline', '--no-audit', '--no-fund', '--no-save', '--silent'];
    await consumer.execute('npm', ['install', ...options, tarball.path, ...all]);
    return consumer;
  }

  /** Compiles an application, runs it and returns what it prints. */
  async run(
    { main, skipLibCheck }: ConsumerApplication,
    type: 'module' | 'commonjs',
  ): Promise<string> {
    await mkdir(join(this.directory, 'src'), { recursive: true });
    await this.write('package.json', { name: 'consumer', private: true, type });
    await this.write('tsconfig.json', {
      compilerOptions: {
        target: 'es2023',
        module: 'nodenext',
        rootDir: 'src',
        outDir: 'dist',
        strict: true,
        skipLibCheck,
        types: ['node'],
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
      },
      include: ['src'],
    });
    await writeFile(join(this.directory, 'src/main.ts'), main);
    await this.execute(process.execPath, ['node_modules/typescript/bin/tsc']).catch(
      (error: { stdout: string }) => {
        throw new Error(`the project does not compile:\n${error.stdout}`);
      },
    );
    const { stdout, stderr } = await this.execute(process.execPath, ['dist/main.js']);
    if (stderr !== '') throw new Error(`the application wrote to stderr:\n${stderr}`);
    return stdout;
  }

  private write(path: string, content: object): Promise<void> {
    return writeFile(join(this.directory, path), JSON.stringify(content));
  }

  private execute(command: string, args: readonly string[]) {
    return run(command, args, { cwd: this.directory, maxBuffer: 16 << 20 });
  }
}

/** The application of a project. */
export interface ConsumerApplication {
  main: string;
  /** Whether the compiler skips the types of imported packages. */
  skipLibCheck: boolean;
}

/** The optional peers of the subpaths. */
export const peersOfSubpaths = (nest: 11 | 12): string[] => [
  `@nestjs/mongoose@${nest}`,
  'mongoose@9',
  '@segment/analytics-node@3',
  'bullmq@6',
];

/** An application that uses the subpaths with their peers. */
export const APPLICATION_OF_SUBPATHS: ConsumerApplication = {
  skipLibCheck: true,
  main: `
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MongooseModule } from '@nestjs/mongoose';
import { EventTrackingModule, MemoryBackend, Tracker } from 'nestjs-event-tracking';
import { BullMqEventQueue } from 'nestjs-event-tracking/bullmq';
import { catalogueOf } from 'nestjs-event-tracking/catalogue';
import { DiskEventQueue } from 'nestjs-event-tracking/disk';
import { MongoBackend, mongoBackend } from 'nestjs-event-tracking/mongo';
import { SegmentBackend, segmentBackend } from 'nestjs-event-tracking/segment';
import { RecordingBackend } from 'nestjs-event-tracking/testing';

const [recording, queued] = [new RecordingBackend(), new RecordingBackend()];

@Module({
  imports: [
    MongooseModule.forRoot('mongodb://127.0.0.1:9/none', { lazyConnection: true }),
    EventTrackingModule.forRoot({
      shutdownTimeout: 1,
      backends: {
        recording,
        disk: { queue: new DiskEventQueue({ directory: 'queue' }), backends: { queued } },
        mongo: mongoBackend({ delivery: { batchSize: 10, deadLetter: new MemoryBackend() } }),
        segment: segmentBackend({ writeKey: 'key', host: 'http://127.0.0.1:9' }),
      },
    }),
  ],
})
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const tracker = app.get(Tracker);
  tracker.emit('course.read');
  await queued.whenRecorded(1);
  console.log(JSON.stringify({
    recorded: recording.named('course.read').length,
    queued: queued.named('course.read').length,
    bullmq: typeof BullMqEventQueue,
    catalogue: catalogueOf([]).title,
    mongo: tracker.getBackend('mongo') instanceof MongoBackend,
    segment: tracker.getBackend('segment') instanceof SegmentBackend,
    pending: tracker.stats().backends['mongo']?.pending,
  }));
  process.exit();
}

void main();
`,
};

/** The packages of gateways and microservices. */
export const packagesOfMessages = (nest: 11 | 12): string[] => [
  ...['websockets', 'platform-ws', 'platform-socket.io', 'microservices'].map(
    (name) => `@nestjs/${name}@${nest}`,
  ),
  'ws@8',
  '@types/ws@8',
  'socket.io-client@4',
];

/** Serves a gateway over ws and over socket.io, and a microservice connected to the application. */
export const APPLICATION_OF_MESSAGES: ConsumerApplication = {
  skipLibCheck: true,
  main: `
import 'reflect-metadata';
import { once } from 'node:events';
import { Controller, Module, UseGuards, UseInterceptors, type CanActivate, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxyFactory, MessagePattern, Transport } from '@nestjs/microservices';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EmitEvent, EventTrackingModule, MemoryBackend, TrackContextInterceptor, Tracker } from 'nestjs-event-tracking';
import { firstValueFrom } from 'rxjs';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';

const memory = new MemoryBackend();
let tracker: Tracker;

class Guard implements CanActivate {
  canActivate(): boolean {
    tracker.enterContext('guarded', { guarded: true });
    return true;
  }
}

const intercepted = new TrackContextInterceptor('intercepted', () => ({ intercepted: true }));

@WebSocketGateway({ path: '/live' })
@UseGuards(Guard)
class Live {
  handleConnection(client: any, request: any): void {
    tracker.enterContext('user', { user: (client.handshake ?? request).headers['x-user'] });
  }

  @SubscribeMessage('say')
  @UseInterceptors(intercepted)
  @EmitEvent('said', { data: ({ executionContext }) => ({ type: executionContext?.getType() }) })
  say(@MessageBody() id: string) {
    return { event: 'answer', data: id };
  }
}

@Controller()
@UseGuards(Guard)
class Payments {
  @MessagePattern('pay')
  @UseInterceptors(intercepted)
  @EmitEvent('paid', { data: ({ executionContext }) => ({ type: executionContext?.getType() }) })
  pay(): string {
    return 'paid';
  }
}

@Module({
  imports: [EventTrackingModule.forRoot({ backends: { memory } })],
  controllers: [Payments],
  providers: [Live],
})
class AppModule {}

async function start(adapt: (app: INestApplication) => WsAdapter | IoAdapter, use: (url: string) => Promise<void>) {
  const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'], forceCloseConnections: true });
  tracker = app.get(Tracker);
  app.useWebSocketAdapter(adapt(app));
  const options = { host: '127.0.0.1', port: 0 };
  const microservice = app.connectMicroservice({ transport: Transport.TCP, options });
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  await use(await app.getUrl());
  const { port } = (microservice as any).unwrap().address();
  const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { ...options, port } });
  await firstValueFrom(client.send('pay', 'ada'));
  await client.close();
  await app.close();
}

async function overWs(url: string): Promise<void> {
  for (const user of ['ada', 'ben']) {
    const socket = new WebSocket(url.replace('http', 'ws') + '/live', { headers: { 'x-user': user } });
    await once(socket, 'open');
    socket.send(JSON.stringify({ event: 'say', data: user }));
    await once(socket, 'message');
    socket.close();
  }
}

async function overSocketIo(url: string): Promise<void> {
  for (const user of ['ada', 'ben']) {
    const socket = io(url, { path: '/live', extraHeaders: { 'x-user': user }, forceNew: true });
    socket.emit('say', user);
    await new Promise((resolve) => socket.on('answer', resolve));
    socket.disconnect();
  }
}

async function main(): Promise<void> {
  await start((app) => new WsAdapter(app), overWs);
  await start((app) => new IoAdapter(app), overSocketIo);
  console.log(JSON.stringify(memory.events.map(({ name, data, context }) => ({ name, data, context }))));
}

void main();
`,
};

/** An application that needs no further package. */
export const PLAIN_APPLICATION: ConsumerApplication = {
  skipLibCheck: false,
  main: `
import 'reflect-metadata';
import { Controller, Get, Module, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EmitEvent, EventTrackingModule, MemoryBackend, serializeEvent, TrackContext, Tracker } from 'nestjs-event-tracking';
import { parseEvent } from 'nestjs-event-tracking/core';

const memory = new MemoryBackend();

@Controller('courses')
class CoursesController {
  constructor(private readonly tracker: Tracker) {}

  @Get(':id')
  @TrackContext()
  @EmitEvent('course.read', { data: ({ args: [id], result }) => ({ course_id: id, title: result.title }) })
  async read(@Param('id') id: string): Promise<{ title: string }> {
    this.tracker.emit('course.looked_up');
    return { title: 'Course ' + id };
  }
}

@Module({
  imports: [EventTrackingModule.forRoot({ backends: { memory } })],
  controllers: [CoursesController],
})
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'] });
  await app.listen(0, '127.0.0.1');
  await (await fetch((await app.getUrl()) + '/courses/7')).text();
  await app.close();
  const events = memory.events.map((event) => parseEvent(serializeEvent(event)));
  console.log(JSON.stringify(events.map(({ name, context, data }) => ({
    name, method: context['method'], path: context['path'], handler: context['handler'], data,
  }))));
}

void main();
`,
};
