import type { INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { MemoryBackend, type TrackingEvent } from 'nestjs-event-tracking';

/** The supported HTTP adapters. */
export const ADAPTERS = ['Express', 'Fastify'] as const;

export type Adapter = (typeof ADAPTERS)[number];

/** An application that listens on a free port. */
export interface HttpApplication extends AsyncDisposable {
  readonly app: INestApplication;
  readonly url: string;
}

/**
 * Starts an application on an adapter; `prepare` is called before it listens.
 *
 * @param forceCloseConnections - whether closing aborts requests in progress
 */
export async function listen(
  adapter: Adapter,
  module: Type,
  prepare: (app: INestApplication) => void = () => {},
  forceCloseConnections = true,
): Promise<HttpApplication> {
  const options = { logger: false, abortOnError: false, forceCloseConnections } as const;
  const app =
    adapter === 'Express'
      ? await NestFactory.create(module, options)
      : await NestFactory.create(module, new FastifyAdapter(), options);
  prepare(app);
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  return { app, url, [Symbol.asyncDispose]: () => app.close() };
}

/** A memory backend that finds events by name or request. */
export class Recorder extends MemoryBackend {
  named(name: string): TrackingEvent[] {
    return this.events.filter((event) => event.name === name);
  }

  ofRequest(id: string): TrackingEvent[] {
    return this.events.filter((event) => event.context['request_id'] === id);
  }

  /** Returns the only event of a name; throws if there are none or several. */
  only(name: string): TrackingEvent {
    const [event, ...others] = this.named(name);
    if (event === undefined || others.length > 0) {
      throw new Error(`expected one event '${name}', got ${this.named(name).length}`);
    }
    return event;
  }
}
