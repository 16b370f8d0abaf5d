import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './root.js';

const run = promisify(execFile);

/** What `npm pack` made of the library. */
export interface Tarball {
  path: string;
  files: string[];
}

/** Packs the library as it would be published. */
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

/** A project of a user of the library. */
export interface Consumer {
  nest: 11 | 12;
  type: 'module' | 'commonjs';
}

/** The application of a project, with the packages that it needs besides. */
export interface ConsumerApplication {
  main: string;
  packages: readonly string[];
  /** Whether the types of those packages are beyond reproach. */
  skipLibCheck: boolean;
}

/** Installs the packed library in an empty Nest project, compiles it, runs it and returns what it prints. */
export async function runConsumer(
  { nest, type }: Consumer,
  tarball: string,
  application: ConsumerApplication = PLAIN_APPLICATION,
): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), `consumer-${nest}-${type}-`));
  const write = (path: string, text: string) => writeFile(join(directory, path), text);
  await mkdir(join(directory, 'src'));
  await write('package.json', JSON.stringify({ name: 'consumer', private: true, type }));
  await write('src/main.ts', application.main);
  await write(
    'tsconfig.json',
    JSON.stringify({
      compilerOptions: {
        target: 'es2023',
        module: 'nodenext',
        rootDir: 'src',
        outDir: 'dist',
        strict: true,
        skipLibCheck: application.skipLibCheck,
        types: ['node'],
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
      },
      include: ['src'],
    }),
  );
  const packages = [
    ...['common', 'core', 'platform-express'].map((name) => `@nestjs/${name}@${nest}`),
    'nestjs-cls@6',
    'rxjs@7',
    'reflect-metadata',
    'typescript@~6.0.3',
    '@types/node@20',
    ...application.packages,
  ];
  const options = { cwd: directory, maxBuffer: 16 << 20 };
  await run(
    'npm',
    ['install', '--prefer-offline', '--no-audit', '--no-fund', '--silent', tarball, ...packages],
    options,
  );
  await run(process.execPath, ['node_modules/typescript/bin/tsc'], options).catch(
    (error: { stdout: string }) => {
      throw new Error(`the project does not compile:\n${error.stdout}`);
    },
  );
  const { stdout, stderr } = await run(process.execPath, ['dist/main.js'], options);
  if (stderr !== '') throw new Error(`the project complains:\n${stderr}`);
  return stdout;
}

/** The subpaths with their peers. */
export function applicationOfSubpaths(nest: Consumer['nest']): ConsumerApplication {
  return {
    main: SUBPATHS,
    packages: [
      `@nestjs/mongoose@${nest}`,
      'mongoose@9',
      '@segment/analytics-node@3',
      'bullmq@6',
      'classic-level@3',
    ],
    skipLibCheck: true,
  };
}

const SUBPATHS = `
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
    pending: tracker.account().backends['mongo']?.pending,
  }));
  process.exit();
}

void main();
`;

const APPLICATION = `
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
`;

const PLAIN_APPLICATION: ConsumerApplication = {
  main: APPLICATION,
  packages: [],
  skipLibCheck: false,
};
