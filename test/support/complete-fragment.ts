import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './root.js';

/** What stands around the fragments of the documentation: the application that the reader has in mind. */
export const STAND_INS = `
declare const tracker: import('nestjs-event-tracking').Tracker;
declare class UsersService { isInternal(id: unknown): boolean }
declare class UsersModule {}
declare class AppModule {}
declare class CoursesModule {}
declare class CoursesService {}
declare class Settings { readonly tracking: boolean }
declare class SettingsModule {}
declare class Database { insert(table: string, row: object): Promise<void> }
declare class TableBackend implements import('nestjs-event-tracking').Backend {
  constructor(db: Database);
  send(event: import('nestjs-event-tracking').TrackingEvent): Promise<void>;
}
declare class DropInternalUsers {
  constructor(users: UsersService);
  filter(event: import('nestjs-event-tracking').TrackingEvent): boolean;
}
declare function sendMail(userId: string): Promise<void>;
declare function makeInvoice(orderId: number): Promise<{ total: number }>;
declare class ConfigService { getOrThrow(key: string): string }
declare class ConfigModule {}
declare const gauge: { set(value: number | undefined): void };
declare const events: import('nestjs-event-tracking/testing').RecordingBackend;
declare function nextSeat(courseId: string): Promise<number>;
`;

const OTHER_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@nestjs/common': [
    'Controller',
    'type ExecutionContext',
    'Get',
    'Injectable',
    'Logger',
    'Module',
    'type OnModuleInit',
    'Param',
    'UseInterceptors',
  ],
  '@nestjs/testing': ['Test'],
  express: ['type Request'],
  pino: ['pino'],
  mongoose: ['type Connection', 'type Model'],
  '@nestjs/mongoose': ['getConnectionToken', 'InjectModel', 'MongooseModule'],
  '@nestjs/bullmq': ['BullModule', 'getQueueToken'],
  bullmq: ['type Queue'],
  '@segment/analytics-node': ['Analytics'],
};

/** Makes a fragment a module: imports what it mentions and does not declare itself. */
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

/** The names of the package, and of each of its subpaths that adds some. */
function libraryNames(): Record<string, readonly string[]> {
  const subpaths = ['mongo', 'segment', 'bullmq', 'disk', 'threads', 'catalogue', 'testing'].map(
    (room) => [`nestjs-event-tracking/${room}`, publicNames(`${room}/index.ts`)],
  );
  return Object.fromEntries([
    ['nestjs-event-tracking', publicNames('index.ts')],
    ...subpaths,
  ]) as Record<string, readonly string[]>;
}

/** The names that an index spells out, types marked as such. */
function publicNames(path: string): string[] {
  const index = readFileSync(join(ROOT, 'libs/event-tracking/src', path), 'utf8');
  return [...index.matchAll(/export (type )?\{([^}]*)\}/g)].flatMap(([, type = '', names = '']) =>
    names
      .split(',')
      .map((each) => each.trim())
      .filter((each) => each !== '')
      .map((each) => (each.startsWith('type ') ? each : `${type}${each}`)),
  );
}
