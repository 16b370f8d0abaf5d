import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  emit,
  EmitEvent,
  EventTrackingModule,
  ImproperlyConfigured,
  InjectTracker,
  Tracker,
  type Backend,
  type EventTrackingModuleOptions,
} from 'nestjs-event-tracking';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { RecordingLogger } from './support/recording-logger.js';
import { ROOT } from './support/root.js';

const page = readFileSync(join(ROOT, 'docs/guide/troubleshooting.md'), 'utf8');
const messages = [...page.matchAll(/^### `([^`]+)`$/gm)].map(([, message]) => message!);

/** Makes each mistake; resolves to the resulting message. */
const MISTAKES: (() => Promise<string>)[] = [
  function noModule() {
    return bootstrapError({ providers: [CoursesService] });
  },
  function typeImport() {
    class CoursesService {
      constructor(readonly tracker: object) {}
    }
    // The compiler emits this metadata for a class that is imported as a type.
    Reflect.defineMetadata('design:paramtypes', [Object], CoursesService);
    return bootstrapError({ providers: [CoursesService] });
  },
  function unknownTrackerInjected() {
    @Injectable()
    class AuditTrail {
      constructor(@InjectTracker('audit') readonly tracker: Tracker) {}
    }
    return bootstrapError({ imports: [EventTrackingModule.forRoot()], providers: [AuditTrail] });
  },
  function unknownDependency() {
    return bootstrapError({
      imports: [EventTrackingModule.forRootAsync({ inject: ['SETTINGS'], useFactory: () => ({}) })],
    });
  },
  async function noMetadata() {
    class CoursesService {
      constructor(private readonly tracker: Tracker) {}

      enrol(): void {
        this.tracker.emit('course.enrolled');
      }
    }
    const module = await Test.createTestingModule({
      imports: [EventTrackingModule.forRoot()],
      providers: [CoursesService],
    }).compile();
    const message = await errorOf(() => module.get(CoursesService).enrol());
    await module.close();
    return message;
  },
  function madeByHand() {
    class CoursesService {
      @EmitEvent('course.viewed')
      view(): void {}
    }
    return logOf({}, () => new CoursesService().view());
  },
  async function frozenQuery() {
    class CoursesService {
      @EmitEvent('courses.searched')
      search(): object {
        return Object.freeze({ then() {} });
      }
    }
    const logger = new RecordingLogger();
    const module = await Test.createTestingModule({
      imports: [EventTrackingModule.forRoot()],
      providers: [CoursesService],
    })
      .setLogger(logger)
      .compile();
    await module.init();
    module.get(CoursesService).search();
    await module.close();
    return logger.complaints.join('\n');
  },
  function importedTwice() {
    return bootstrapError({
      imports: [EventTrackingModule.forRoot(), EventTrackingModule.forRoot({ enabled: true })],
    });
  },
  function undefinedBackend() {
    const warehouse = undefined as unknown as Backend;
    return configurationError({ backends: { analytics: { backends: { warehouse } } } });
  },
  function misspeltOption() {
    return configurationError({ backend: {} } as EventTrackingModuleOptions);
  },
  function misspeltNodeOption() {
    const node = { backends: {}, filters: [] };
    return configurationError({ backends: { analytics: node } });
  },
  function unknownTracker() {
    @Injectable()
    class CoursesService {
      @EmitEvent('course.closed', { tracker: 'audit' })
      close(): void {}
    }
    return bootstrapError({
      imports: [EventTrackingModule.forRoot()],
      providers: [CoursesService],
    });
  },
  function exposedButMissing() {
    return bootstrapError({
      imports: [
        EventTrackingModule.forRootAsync({
          useFactory: () => ({}),
          expose: { backends: ['warehouse'] },
        }),
      ],
    });
  },
  function processContextExitedInRequest() {
    const tracker = new Tracker();
    tracker.enterContext('deployment', { release: 'v1' });
    return tracker.contextLocator.run('request', () =>
      errorOf(() => tracker.exitContext('deployment')),
    );
  },
  function unserialisableData() {
    return logOf({}, (tracker) => tracker.emit('order.paid', { callback: () => {} }));
  },
  function failingBackend() {
    const warehouse = { send: () => Promise.reject(new Error('connection refused')) };
    return logOf({ backends: { warehouse } }, (tracker) => tracker.emit('order.paid'));
  },
  function emitWithoutTracker() {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    emit('order.paid');
    const [message] = warn.mock.calls[0] ?? [];
    warn.mockRestore();
    return Promise.resolve(String(message));
  },
];

describe('The troubleshooting page', () => {
  let received: string[];

  beforeAll(async () => {
    received = [];
    for (const make of MISTAKES) received.push(await make());
  });

  it('quotes messages as the library writes them', () => {
    expect(messages.length).toBeGreaterThanOrEqual(MISTAKES.length);
    for (const message of messages) {
      expect(received, message).toContainEqual(expect.stringMatching(patternOf(message)));
    }
  });

  it('has one heading for each of these mistakes', () => {
    for (const [index, text] of received.entries()) {
      const headings = messages.filter((message) => patternOf(message).test(text));
      expect(headings, `${MISTAKES[index]!.name}: ${text}`).toHaveLength(1);
    }
  });
});

@Injectable()
class CoursesService {
  constructor(readonly tracker: Tracker) {}
}

/** A quoted message; `…` stands for anything. */
function patternOf(message: string): RegExp {
  const literal = message.split('…').map((part) => part.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`, 's');
}

async function bootstrapError(metadata: ModuleMetadata): Promise<string> {
  @Module(metadata)
  class AppModule {}
  const bootstrap = async () => {
    const module = Test.createTestingModule({ imports: [AppModule] });
    await (await module.setLogger(new RecordingLogger()).compile()).init();
  };
  return errorOf(bootstrap);
}

function configurationError(options: EventTrackingModuleOptions): Promise<string> {
  return errorOf(() => {
    expect(() => EventTrackingModule.forRoot(options)).toThrow(ImproperlyConfigured);
    EventTrackingModule.forRoot(options);
  });
}

async function errorOf(mistake: () => unknown): Promise<string> {
  try {
    await mistake();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('The mistake was not noticed.');
}

/** Returns the only message that a running application logs during an action. */
async function logOf(
  options: EventTrackingModuleOptions,
  mistake: (tracker: Tracker) => void,
): Promise<string> {
  const logger = new RecordingLogger();
  const module = await Test.createTestingModule({ imports: [EventTrackingModule.forRoot(options)] })
    .setLogger(logger)
    .compile();
  await module.init();
  mistake(module.get(Tracker));
  await module.close();
  expect(logger.complaints).toHaveLength(1);
  return logger.complaints[0]!;
}
