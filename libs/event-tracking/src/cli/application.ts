import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { INestApplicationContext, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { describeError } from '../core/diagnostics/describe.js';
import type { Tracker } from '../core/tracker/tracker.js';
import type { EventTrackingApplication } from '../nest/module/application.js';
import { APPLICATION, getTrackerToken } from '../nest/tokens.js';
import { UsageError } from './usage-error.js';

export interface RunningApplication extends AsyncDisposable {
  readonly trackers: readonly Tracker[];
  trackerOf(name: string): Tracker;
}

/**
 * Starts an application without HTTP.
 *
 * @param modulePath - the file of its module, followed by `#` and the class name if it exports
 * several
 * @throws {@link UsageError} if the module cannot be found
 */
export async function startApplication(modulePath: string): Promise<RunningApplication> {
  const module = await loadModule(modulePath);
  const app = await NestFactory.createApplicationContext(module, { logger: ['error', 'warn'] });
  return {
    get trackers() {
      return trackersOf(app, modulePath);
    },
    trackerOf: (name) => app.get<Tracker>(getTrackerToken(name), { strict: false }),
    [Symbol.asyncDispose]: () => app.close(),
  };
}

function trackersOf(app: INestApplicationContext, modulePath: string): Tracker[] {
  let found: EventTrackingApplication;
  try {
    found = app.get(APPLICATION, { strict: false });
  } catch (cause) {
    throw new UsageError(`--app: no module of ${modulePath} imports EventTrackingModule.`, {
      cause,
    });
  }
  return Array.from(found.trackers.values(), ({ tracker }) => tracker);
}

async function loadModule(modulePath: string): Promise<Type> {
  const [file = '', name] = modulePath.split('#');
  const exported = await load(file);
  const classes = Object.entries(exported).filter(([, value]) => typeof value === 'function');
  const [, found] =
    name === undefined && classes.length === 1
      ? classes[0]!
      : (classes.find(([each]) => each === (name ?? 'AppModule')) ?? []);
  if (found !== undefined) return found as Type;
  throw new UsageError(
    `--app: ${file} exports no class ${name ?? 'AppModule'}; it exports: ${Object.keys(exported).join(', ') || 'nothing'}. ` +
      `Add # and the name of the module class: ${file}#CoursesModule.`,
  );
}

async function load(file: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(resolve(file)).href)) as Record<string, unknown>;
  } catch (error) {
    throw new UsageError(`--app: ${file} could not be loaded. ${describeError(error)}.`);
  }
}
