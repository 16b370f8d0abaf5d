import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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

interface Manifest {
  exports: Record<string, unknown>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional?: boolean }>;
}

const MANIFEST = readJson<Manifest>('libs/event-tracking/package.json');
const WORKSPACE = readJson<{ devDependencies: Record<string, string> }>('package.json');

/** The module specifiers of all entries with code. */
export const ENTRIES = Object.keys(MANIFEST.exports)
  .filter((subpath) => !subpath.endsWith('.json'))
  .map((subpath) => `nestjs-event-tracking${subpath.slice(1)}`);

/** The peers that an application may lack. */
export const OPTIONAL_PEERS = Object.keys(MANIFEST.peerDependencies).filter(isOptional);

/** How a project compiles its TypeScript. */
export interface Compilation {
  type: 'module' | 'commonjs';
  /** The folder of the compiler in `node_modules`. */
  compiler?: string;
  options?: object;
}

/** A project that has installed the library as its users do. */
export class Consumer {
  private constructor(
    private readonly directory: string,
    private readonly nest: 11 | 12,
  ) {}

  /** Installs the library with the peers that it requires. */
  static async install(nest: 11 | 12, tarball: Tarball): Promise<Consumer> {
    const consumer = new Consumer(await mkdtemp(join(tmpdir(), `consumer-${nest}-`)), nest);
    await consumer.write('package.json', { name: 'consumer', private: true });
    const required = Object.keys(MANIFEST.peerDependencies).filter((name) => !isOptional(name));
    await consumer.add(tarball.path, ...required.map((name) => consumer.#atTestedVersion(name)));
    await consumer.add(
      ...['@nestjs/platform-express', 'typescript', '@types/node'].map((name) =>
        consumer.#atTestedVersion(name),
      ),
    );
    return consumer;
  }

  /** Installs the optional peers, and the packages through which applications use them. */
  async addOptionalPeers(): Promise<void> {
    const names = [...OPTIONAL_PEERS, '@nestjs/mongoose'];
    await this.add(...names.map((name) => this.#atTestedVersion(name)));
  }

  async add(...packages: readonly string[]): Promise<void> {
    const options = ['--prefer-offline', '--no-audit', '--no-fund', '--silent'];
    await this.execute('npm', ['install', ...options, ...packages]);
  }

  /** Compiles an application, runs it and returns what it prints. */
  async run(
    { main, skipLibCheck }: ConsumerApplication,
    compilation: Compilation,
  ): Promise<string> {
    const { type, compiler = 'typescript', options } = compilation;
    await mkdir(join(this.directory, 'src'), { recursive: true });
    await this.write('src/package.json', { type });
    await this.write('dist/package.json', { type });
    await this.write('tsconfig.json', {
      compilerOptions: {
        target: 'es2022',
        module: 'nodenext',
        rootDir: 'src',
        outDir: 'dist',
        strict: true,
        skipLibCheck,
        types: ['node'],
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
        ...options,
      },
      include: ['src'],
    });
    await writeFile(join(this.directory, 'src/main.ts'), main);
    await this.node(`node_modules/${compiler}/bin/tsc`).catch((error: { stdout: string }) => {
      throw new Error(`the project does not compile:\n${error.stdout}`);
    });
    const { stdout, stderr } = await this.node('dist/main.js');
    if (stderr !== '') throw new Error(`the application wrote to stderr:\n${stderr}`);
    return stdout;
  }

  /** Runs a test file with Jest, which has no configuration. */
  async jest(test: string): Promise<string> {
    await mkdir(join(this.directory, 'test'), { recursive: true });
    await writeFile(join(this.directory, 'test/entries.spec.js'), test);
    const { stderr } = await this.node('node_modules/jest/bin/jest.js', '--rootDir', 'test');
    return stderr;
  }

  /** Runs Node.js in the project. */
  node(...args: readonly string[]) {
    return this.execute(process.execPath, args);
  }

  #atTestedVersion(name: string): string {
    const range = WORKSPACE.devDependencies[name];
    return `${name}@${name.startsWith('@nestjs/') ? this.nest : range}`;
  }

  private async write(path: string, content: object): Promise<void> {
    await mkdir(dirname(join(this.directory, path)), { recursive: true });
    await writeFile(join(this.directory, path), JSON.stringify(content));
  }

  private execute(command: string, args: readonly string[]) {
    return run(command, args, { cwd: this.directory, maxBuffer: 16 << 20 });
  }
}

/** Resolves the installation of the library beside other packages, without installing anything. */
export async function resolveInstallation(
  tarball: Tarball,
  packages: readonly string[],
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'resolved-'));
  await writeFile(join(directory, 'package.json'), JSON.stringify({ private: true }));
  const options = [
    '--package-lock-only',
    '--ignore-scripts',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--silent',
  ];
  for (const each of [packages, [tarball.path]]) {
    await run('npm', ['install', ...options, ...each], { cwd: directory });
  }
  await rm(directory, { recursive: true });
}

function isOptional(peer: string): boolean {
  return MANIFEST.peerDependenciesMeta[peer]?.optional === true;
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as T;
}

/** The application of a project. */
export interface ConsumerApplication {
  main: string;
  /** Whether to skip the type check of all packages that the application imports. */
  skipLibCheck: boolean;
}

const typeImports = ENTRIES.map((entry, at) => `import type * as entry${at} from '${entry}';`);

/** Imports the types of every entry, and values of entries that need no optional peer. */
export const APPLICATION_OF_ENTRIES: ConsumerApplication = {
  skipLibCheck: true,
  main: `
${typeImports.join('\n')}
import { Tracker } from 'nestjs-event-tracking';
import { serializeEvent } from 'nestjs-event-tracking/core';

export type Names = [${ENTRIES.map((_, at) => `keyof typeof entry${at}`).join(', ')}];

new Tracker({ backends: { log: { send: (event) => console.log(serializeEvent(event)) } } }).emit('course.read');
`,
};

/** Prints the names that each entry exports to CommonJS, and those that it exports to ES modules. */
export const NAMES_OF_ENTRIES = `
const entries = ${JSON.stringify(ENTRIES)};
const namesOf = (entry) => Object.keys(entry).filter((name) => name !== 'module.exports').sort();
void (async () => {
  const imported = [];
  for (const entry of entries) imported.push(await import(entry)); // one at a time: Node 20 cannot require a module that is being imported
  const required = entries.map((entry) => require(entry));
  console.log(JSON.stringify({ required: required.map(namesOf), imported: imported.map(namesOf) }));
  process.exit();
})();`;

/** A test for Jest: requires every entry, and injects a tracker. */
export const TEST_OF_ENTRIES = `
require('reflect-metadata');
const { Module } = require('@nestjs/common');
const { Test } = require('@nestjs/testing');

test.each(${JSON.stringify(ENTRIES)})('%s can be required', (entry) => {
  expect(Object.keys(require(entry)).length).toBeGreaterThan(0);
});

test('the tracker can be injected and recorded', async () => {
  const { Tracker } = require('nestjs-event-tracking');
  const { eventMatchers, EventTrackingTestingModule, RecordingBackend } = require('nestjs-event-tracking/testing');
  expect.extend(eventMatchers);
  const module = await Test.createTestingModule({ imports: [EventTrackingTestingModule.forRoot()] }).compile();
  module.get(Tracker).emit('course.enrolled', { seat: 12 });
  expect(module.get(RecordingBackend)).toHaveEmitted('course.enrolled', { seat: 12 });
  await module.close();
});
`;

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
import { HttpBackend, httpBackend } from 'nestjs-event-tracking/http';
import { PosthogBackend, posthogBackend } from 'nestjs-event-tracking/posthog';
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
        http: httpBackend({ url: 'http://127.0.0.1:9' }),
        posthog: posthogBackend({ apiKey: 'key', host: 'http://127.0.0.1:9' }),
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
    http: tracker.getBackend('http') instanceof HttpBackend,
    posthog: tracker.getBackend('posthog') instanceof PosthogBackend,
    pending: tracker.stats().backends['mongo']?.pending,
  }));
  process.exit();
}

void main();
`,
};

/** The packages of gateways and microservices of Nest 11. */
export const PACKAGES_OF_MESSAGES = [
  ...['websockets', 'platform-ws', 'platform-socket.io', 'microservices'].map(
    (name) => `@nestjs/${name}@11`,
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
