import { readFileSync } from 'node:fs';
import { publicEntries } from '../../tools/public-entries.mjs';

/** Declares the application around the fragments of the documentation. */
export const STAND_INS = `
declare const tracker: import('nestjs-event-tracking').Tracker;
declare class UsersService { isInternal(id: unknown): boolean }
declare class UsersModule {}
declare class AppModule {}
declare class CoursesModule {}
declare class CoursesService {}
declare class Settings { readonly tracking: boolean }
declare class SettingsModule {}
declare class DatabaseModule {}
declare const prisma: {
  $transaction<T>(run: (client: { order: { create(row: object): Promise<void> } }) => Promise<T>): Promise<T>;
};
declare const connection: import('mongoose').Connection;
declare const orders: import('mongoose').Model<{ _id: number }>;
declare class Database { insert(table: string, row: object): Promise<void> }
declare class TableBackend implements import('nestjs-event-tracking').Backend {
  constructor(db: Database);
  send(event: import('nestjs-event-tracking').TrackingEvent): Promise<void>;
}
declare class DropInternalUsers {
  constructor(users: UsersService);
  filter(event: import('nestjs-event-tracking').TrackingEvent): boolean;
}
declare const expect: { extend(matchers: object): void } & ((value: unknown) => any);
declare const it: (title: string, run: () => Promise<void>) => void;
declare function sendMail(userId: string): Promise<void>;
declare function makeInvoice(orderId: number): Promise<{ total: number }>;
declare class ConfigService { getOrThrow(key: string): string }
declare class ConfigModule {}
declare const gauge: { set(value: number | undefined): void };
declare const events: import('nestjs-event-tracking/testing').RecordingBackend;
declare function userOfToken(token: unknown): Promise<string>;
declare const prices$: import('rxjs').Observable<number>;
declare function nextSeat(courseId: string): Promise<number>;
declare function findCourses(filter: object): PromiseLike<string[]>;
`;

const OTHER_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@nestjs/common': [
    'type CallHandler',
    'Controller',
    'type ExecutionContext',
    'Get',
    'Injectable',
    'Logger',
    'Module',
    'type NestInterceptor',
    'type OnModuleInit',
    'Param',
    'UseInterceptors',
  ],
  '@nestjs-cls/transactional': ['ClsPluginTransactional', 'Transactional'],
  '@nestjs-cls/transactional-adapter-typeorm': ['TransactionalAdapterTypeOrm'],
  'nestjs-cls': ['ClsModule'],
  typeorm: ['DataSource'],
  '@nestjs/microservices': ['EventPattern', 'Payload'],
  '@nestjs/testing': ['Test'],
  '@nestjs/websockets': [
    'MessageBody',
    'type OnGatewayConnection',
    'SubscribeMessage',
    'WebSocketGateway',
  ],
  'socket.io': ['type Socket'],
  '@nestjs/platform-fastify': ['FastifyAdapter'],
  'node:async_hooks': ['AsyncResource'],
  'node:crypto': ['randomUUID'],
  'node:http': ['type ServerResponse'],
  express: ['type Request'],
  ioredis: ['Redis'],
  rxjs: ['type Observable', 'tap'],
  pino: ['pino'],
  mongoose: ['type Connection', 'type Model'],
  '@nestjs/mongoose': ['getConnectionToken', 'InjectModel', 'MongooseModule'],
  '@nestjs/bullmq': ['BullModule', 'getQueueToken'],
  bullmq: ['type Queue'],
  '@segment/analytics-node': ['Analytics'],
};

/** Makes a fragment a module: imports the names that it mentions but does not declare. */
export function completeFragment(code: string): string {
  const packages = { ...libraryNames(), ...OTHER_PACKAGES };
  const imports = Object.entries(packages).flatMap(([name, exported]) => {
    const wanted = exported.filter((each) => mentions(code, each.replace('type ', '')));
    return wanted.length === 0 ? [] : [`import { ${wanted.join(', ')} } from '${name}';`];
  });
  return `${imports.join(' ')} export {};\n${code}`;
}

function mentions(code: string, name: string): boolean {
  const declared = new RegExp(
    `\\b(class|const|function|import) (\\{ )?${name}\\b|^import [^;]*\\b${name}\\b[^;]* from `,
    'm',
  );
  return new RegExp(`\\b(?<![.'])${name}\\b`).test(code) && !declared.test(code);
}

/** Returns the names of each entry of the package. Core repeats names of the root. */
function libraryNames(): Record<string, readonly string[]> {
  return Object.fromEntries(
    publicEntries
      .filter(({ file }) => file !== 'core')
      .map(({ specifier, source }) => [specifier, publicNames(source)]),
  );
}

/** Returns the names that an index spells out, types marked as such. */
function publicNames(path: string): string[] {
  const index = readFileSync(path, 'utf8');
  return [...index.matchAll(/export (type )?\{([^}]*)\}/g)].flatMap(([, type = '', names = '']) =>
    names
      .split(',')
      .map((each) => each.trim())
      .filter((each) => each !== '')
      .map((each) => (each.startsWith('type ') ? each : `${type}${each}`)),
  );
}
