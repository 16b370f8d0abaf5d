import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { INestApplicationContext, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { describeError } from '../core/diagnostics/describe.js';
import type { Tracker } from '../core/tracker/tracker.js';
import type { EventTrackingApplication } from '../nest/module/application.js';
import { APPLICATION, getTrackerToken } from '../nest/tokens.js';
import { UsageError } from './usage-error.js';

/** A running application whose trackers can be had. */
export interface RunningApplication extends AsyncDisposable {
  /** All that it has. */
  readonly trackers: readonly Tracker[];
  trackerOf(name: string): Tracker;
}

/**
 * Starts an application without HTTP.
 *
 * @param place - the file of its module, and behind `#` the module's name where the file exports several
 * @throws {@link UsageError} when there is no such module
 */
export async function startApplication(place: string): Promise<RunningApplication> {
  const module = await loadModule(place);
  const app = await NestFactory.createApplicationContext(module, { logger: ['error', 'warn'] });
  return {
    get trackers() {
      return trackersOf(app, place);
    },
    trackerOf: (name) => app.get<Tracker>(getTrackerToken(name), { strict: false }),
    [Symbol.asyncDispose]: () => app.close(),
  };
}

function trackersOf(app: INestApplicationContext, place: string): Tracker[] {
  let found: EventTrackingApplication;
  try {
    found = app.get(APPLICATION, { strict: false });
  } catch (cause) {
    throw new UsageError(`--app: ${place} imports the EventTrackingModule nowhere.`, { cause });
  }
  return Array.from(found.trackers.values(), ({ tracker }) => tracker);
}

async function loadModule(place: string): Promise<Type> {
  const [file = '', name] = place.split('#');
  const exported = await load(file);
  const classes = Object.entries(exported).filter(([, value]) => typeof value === 'function');
  const [, found] =
    name === undefined && classes.length === 1
      ? classes[0]!
      : (classes.find(([each]) => each === (name ?? 'AppModule')) ?? []);
  if (found !== undefined) return found as Type;
  throw new UsageError(
    `--app: ${file} exports no class ${name ?? 'AppModule'}; it exports: ${Object.keys(exported).join(', ') || 'nothing'}. ` +
      `Name the module behind a #: ${file}#CoursesModule.`,
  );
}

async function load(file: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(resolve(file)).href)) as Record<string, unknown>;
  } catch (error) {
    throw new UsageError(`--app: ${file} could not be loaded: ${describeError(error)}.`);
  }
}
