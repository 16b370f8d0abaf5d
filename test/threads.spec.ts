import { EventEmitter, once } from 'node:events';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { threadId } from 'node:worker_threads';
import { Test } from '@nestjs/testing';
import {
  AsyncRoutingBackend,
  EventTrackingModule,
  ImproperlyConfigured,
  MemoryBackend,
  MemoryEventQueue,
  RoutingBackend,
  Tracker,
  type Processor,
  type TrackingEvent,
} from 'nestjs-event-tracking';
import { ThreadFilter, ThreadProcessor, type ThreadOptions } from 'nestjs-event-tracking/threads';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { NestProject } from './support/nest-project.js';
import { ROOT } from './support/root.js';
import { runNode } from './support/run-node.js';

/** The built library: threads cannot load the sources that the test runner compiles. */
const CORE = pathToFileURL(join(ROOT, 'libs/event-tracking/dist/core/index.js')).href;

const MODULES = {
  'where.js': `
    import { isMainThread, threadId } from 'node:worker_threads';
    export default (event) => {
      Object.assign(event.data, {
        isMainThread, threadId, at: event.data.at?.getTime(), isPlain: Object.getPrototypeOf(event) === Object.prototype,
      });
      event.context.day = new Date(86_400_000);
    };`,
  'returns.js': `export default (event) => ({ ...event, data: { by: 'function' } });`,
  'promises.js': `export default async (event) => ({ ...event, data: { by: 'promise' } });`,
  'object.js': `export default { by: 'object', process({ data }) { data.by = this.by; } };`,
  'class.js': `export default class { by = 'class'; async process({ data }) { data.by = this.by; } }`,
  'field.js': `export default class { process = ({ data }) => { data.by = 'field'; } }`,
  'commonjs.cjs': `module.exports = ({ data }) => { data.by = 'CommonJS'; };`,
  'compiled.cjs': `
    Object.defineProperty(exports, '__esModule', { value: true });
    exports.default = class { process({ data }) { data.by = 'compiled'; } };`,
  'strange.js': `
    export default ({ name, data }) => {
      if (name === 'null') return null;
      if (name === 'number') return 7;
      data.made = () => 1;
      data.map = new Map([['a', 1]]);
    };`,
  'fails.js': `
    import { EventEmissionExit } from '${CORE}';
    class QuotaExceeded extends Error { name = 'QuotaExceeded'; }
    export default ({ name, data }) => {
      data.isChanged = true;
      if (name === 'quota') throw new QuotaExceeded('no more today');
      if (name === 'text') throw 'a text';
      if (name === 'nothing') throw Object.create(null);
      if (name === 'exit') throw new EventEmissionExit('not this one');
    };`,
  'filter.js': `
    export default {
      async filter({ name }) {
        if (name === 'dies') process.exit(3);
        if (name === 'unclear') throw new RangeError('unclear');
        return name !== 'private';
      },
    };`,
  'filters.js': `export default class OnlyPublic { filter({ name }) { return name === 'public'; } }`,
  'dies.js': `
    export default ({ name }) => {
      if (name === 'exit') process.exit(3);
      if (name === 'uncaught') return new Promise(() => setImmediate(() => { throw new Error('uncaught'); }));
      if (name === 'rejected') return new Promise(() => void Promise.reject(new Error('rejected')));
      if (name === 'memory') for (const all = []; ; ) all.push({ a: all.length, b: { c: 1 } });
      if (name === 'stuck') for (;;);
      if (name === 'idle') setTimeout(() => { throw new Error('too late'); }, 20);
    };`,
  'meets.js': `
    import { threadId } from 'node:worker_threads';
    export default ({ data }) => new Promise((resolve) => {
      const channel = new BroadcastChannel('a meeting of threads');
      channel.onmessage = ({ data: met }) => {
        if (!met.isAnswer) channel.postMessage({ threadId, isAnswer: true });
        data.met = met.threadId;
        channel.close();
        resolve();
      };
      channel.postMessage({ threadId, isAnswer: false });
    });`,
  'priority.js': `import { getPriority } from 'node:os'; export default ({ data }) => { data.niceness = getPriority(); };`,
  'counts.js': `let count = 0; export default async ({ data }) => { await null; data.count = ++count; };`,
  'waits.js': `
    export default ({ name, data }) => name !== 'waits' ? undefined : new Promise((resolve) => {
      const channel = new BroadcastChannel('a gate for threads');
      channel.onmessage = () => { data.waited = true; channel.close(); resolve(); };
      channel.postMessage('here');
    });`,
  'drops.js': `
    import { EventEmissionExit } from 'nestjs-event-tracking';
    let count = 0;
    export default ({ name, data }) => {
      if (name === 'two') throw new EventEmissionExit();
      data.count = ++count;
    };`,
  'nothing.js': ``,
  'named.js': `export const score = () => {}; export const other = 1;`,
  'number.js': `export default 7;`,
  'needs.js': `export default class Score { constructor(users) { this.users = users; } process() {} }`,
  'throws.js': `export default class Score { constructor() { throw new Error('no model'); } process() {} }`,
  'missing.js': `import './nowhere.js'; export default () => {};`,
};

const log = { warn: vi.fn<(text: string) => void>(), error: vi.fn<(text: string) => void>() };
let project: NestProject;
let closables: { close(): Promise<void> }[];

beforeAll(async () => {
  project = await NestProject.of(MODULES);
});

afterAll(() => project[Symbol.asyncDispose]());

beforeEach(() => {
  closables = [];
  log.warn.mockReset();
  log.error.mockReset();
});

afterEach(async () => {
  await Promise.all(closables.map((each) => each.close()));
});

const pathOf = (file: string): string => join(project.directory, file);

function threadProcessor(file: string, options: ThreadOptions = {}): ThreadProcessor {
  const processor = new ThreadProcessor(pathOf(file), { threads: 1, logger: log, ...options });
  closables.push(processor);
  return processor;
}

function threadFilter(file: string, options: ThreadOptions = {}): ThreadFilter {
  const filter = new ThreadFilter(pathOf(file), { threads: 1, logger: log, ...options });
  closables.push(filter);
  return filter;
}

/** Returns a tracker with the processor behind a queue, and the events it delivers. */
function behindAQueue(processor: Processor): { tracker: Tracker; events: MemoryBackend['events'] } {
  const memory = new MemoryBackend();
  const node = new RoutingBackend({ processors: [processor], backends: { memory } });
  const tracker = new Tracker({
    backends: { queued: new AsyncRoutingBackend({ backends: { node } }) },
    logger: log,
  });
  return {
    tracker,
    get events() {
      return memory.events;
    },
  };
}

/** Emits events of these names one by one and returns the delivered events and the stats. */
async function emitted(processor: Processor, ...names: string[]) {
  const queued = behindAQueue(processor);
  for (const name of names) {
    queued.tracker.emit(name, { at: new Date(5) });
    await queued.tracker.flush();
  }
  return {
    names: queued.events.map(({ name }) => name),
    events: queued.events,
    stats: queued.tracker.stats().backends['queued.node']!,
  };
}

function event(name = 'sold', data: TrackingEvent['data'] = {}): TrackingEvent {
  return { id: `id of ${name}`, name, timestamp: new Date(1), context: {}, data };
}

describe('ThreadProcessor', () => {
  it('runs in its own thread and preserves dates in both directions', async () => {
    const { events } = await emitted(threadProcessor('where.js'), 'sold');
    expect(events).toMatchObject([
      {
        name: 'sold',
        timestamp: expect.any(Date),
        context: { day: new Date(86_400_000) },
        data: { isMainThread: false, at: 5, isPlain: true },
      },
    ]);
    expect(events[0]!.data['threadId']).not.toBe(threadId);
    expect(log.error).not.toHaveBeenCalled();
  });

  it.each([
    ['returns.js', 'function'],
    ['promises.js', 'promise'],
    ['object.js', 'object'],
    ['class.js', 'class'],
    ['field.js', 'field'],
    ['commonjs.cjs', 'CommonJS'],
    ['compiled.cjs', 'compiled'],
  ])('runs the default export of %s', async (file, by) => {
    expect((await threadProcessor(file).process(event())).data['by']).toBe(by);
  });

  it.each(['path', 'file: URL as text', 'URL'])('finds its module by its %s', async (form) => {
    const path = pathOf('returns.js');
    const url = pathToFileURL(path);
    const module = { path, 'file: URL as text': url.href, URL: url }[form]!;
    const processor = new ThreadProcessor(module, { threads: 1 });
    closables.push(processor);
    expect((await processor.process(event())).data).toEqual({ by: 'function' });
  });

  it('loads its module once in each thread', async () => {
    const processor = threadProcessor('counts.js');
    const counts = [];
    for (let index = 0; index < 3; index++) {
      counts.push((await processor.process(event())).data['count']);
    }
    expect(counts).toEqual([1, 2, 3]);
  });

  it.runIf(process.platform === 'linux')(
    'lowers the priority of its threads by the configured niceness',
    async () => {
      const own = getPriority();
      const nicenessOf = async (options: ThreadOptions) =>
        (await threadProcessor('priority.js', options).process(event())).data['niceness'];
      expect(await nicenessOf({})).toBe(Math.min(own + 10, 19));
      expect(await nicenessOf({ niceness: 3 })).toBe(Math.min(own + 3, 19));
      expect(await nicenessOf({ niceness: 0 })).toBe(own);
      expect(getPriority()).toBe(own);
    },
  );

  it('processes waiting events in the order they arrived', async () => {
    const processor = threadProcessor('counts.js');
    const all = await Promise.all(Array.from({ length: 200 }, () => processor.process(event())));
    expect(all.map(({ data }) => data['count'])).toEqual(all.map((_, index) => index + 1));
  });

  it('processes as many events concurrently as it has threads', async () => {
    const processor = threadProcessor('meets.js', { threads: 2 });
    const [one, other] = await Promise.all([
      processor.process(event('one')),
      processor.process(event('other')),
    ]);
    expect(one.data['met']).not.toBe(other.data['met']);
  });

  it('drops an event silently when the module throws EventEmissionExit', async () => {
    const { names, stats } = await emitted(threadProcessor('fails.js'), 'exit', 'sold');
    expect(names).toEqual(['sold']);
    expect(stats).toMatchObject({ arrived: 2, filtered: 1, delivered: 1 });
    expect(log.error).not.toHaveBeenCalled();
  });

  it('passes an event on unchanged and logs the error when the module fails', async () => {
    const { events, stats } = await emitted(threadProcessor('fails.js'), 'quota');
    expect(events).toMatchObject([{ name: 'quota', data: { at: new Date(5) } }]);
    expect(events[0]!.data).not.toHaveProperty('isChanged');
    expect(stats).toMatchObject({ arrived: 1, delivered: 1 });
    expect(log.error.mock.calls).toEqual([
      [
        `The processor ThreadProcessor of 'queued.node' failed for the event 'quota': QuotaExceeded: no more today. ` +
          `The event continues without it.`,
      ],
    ]);
  });

  it('keeps the name, the message and the stack of an error', async () => {
    const error = await rejection(threadProcessor('fails.js').process(event('quota')));
    expect(error).toMatchObject({ name: 'QuotaExceeded', message: 'no more today' });
    expect(error.stack).toMatch(/^QuotaExceeded: no more today\n.*fails\.js:6/);
  });

  it.each([
    ['text', 'a text'],
    ['nothing', 'an object with no keys'],
  ])('describes a thrown value that is not an error: %s', async (name, message) => {
    expect(await rejection(threadProcessor('fails.js').process(event(name)))).toMatchObject({
      message,
    });
  });

  it('treats return values of the module as on the main thread', async () => {
    const processor = threadProcessor('strange.js');
    expect((await processor.process(event('null', { a: 1 }))).data).toEqual({ a: 1 });
    await expect(processor.process(event('number'))).rejects.toThrow(
      'it returned the number 7, which is not an event',
    );
    expect((await processor.process(event())).data).toEqual({
      made: '[Function]',
      map: [['a', 1]],
    });
  });

  it('rejects an event that cannot be cloned and keeps working', async () => {
    const processor = threadProcessor('returns.js');
    const uncopied = event('sold', { call: () => 1 });
    expect((await rejection(processor.process(uncopied))).name).toBe('DataCloneError');
    expect((await processor.process(event())).data).toEqual({ by: 'function' });
  });

  it.each([
    ['exit', /worker exited with code: 3/],
    ['uncaught', /Error: uncaught/],
    ['rejected', /Error: rejected/],
  ])('loses no event when a thread dies: %s', async (death, reason) => {
    const processor = threadProcessor('dies.js');
    const { events, stats } = await emitted(processor, 'sold', death, 'sold', death, 'sold');
    expect(events.map(({ name }) => name)).toEqual(['sold', death, 'sold', death, 'sold']);
    expect(stats).toMatchObject({ arrived: 5, delivered: 5 });
    expect(log.error).toHaveBeenCalledTimes(2);
    expect(log.error.mock.calls[0]![0]).toMatch(reason);
  });

  it('processes the waiting events after a thread dies', async () => {
    const queued = behindAQueue(threadProcessor('dies.js', { threads: 2 }));
    const names = Array.from({ length: 30 }, (_, index) => (index % 3 === 1 ? 'exit' : 'sold'));
    for (const name of names) queued.tracker.emit(name);
    await queued.tracker.flush();
    expect(queued.events.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
  });

  it('stops a thread that is stuck and continues with a new one', { timeout: 60_000 }, async () => {
    const processor = threadProcessor('dies.js', { timeout: 2_500 });
    const { names } = await emitted(processor, 'sold', 'stuck', 'sold');
    expect(names).toEqual(['sold', 'stuck', 'sold']);
    expect(log.error.mock.calls).toEqual([
      [expect.stringContaining('dies.js took longer than 2500 ms (timeout)')],
    ]);
  });

  it('logs the death of an idle thread', async () => {
    const processor = threadProcessor('dies.js');
    await processor.process(event('idle'));
    await vi.waitUntil(() => log.error.mock.calls.length > 0, 10_000);
    expect(log.error.mock.calls[0]![0]).toMatch(
      /A thread of .*dies\.js ended without an event: Error: too late\./,
    );
    expect((await processor.process(event())).name).toBe('sold');
  });

  it('starts a new thread after the idle timeout stopped the last one', async () => {
    const processor = threadProcessor('where.js', { idleTimeout: 1 });
    const thread = async () => (await processor.process(event())).data['threadId'];
    const first = await thread();
    await vi.waitUntil(async () => (await thread()) !== first, { timeout: 15_000, interval: 50 });
  });

  it('reports that it needs a queue in front and passes the event on unchanged', async () => {
    const memory = new MemoryBackend();
    const processors = [threadProcessor('returns.js')];
    const tracker = new Tracker({ processors, backends: { memory }, logger: log });
    tracker.emit('sold', { a: 1 });
    expect(memory.events).toMatchObject([{ name: 'sold', data: { a: 1 } }]);
    expect(log.error.mock.calls[0]![0]).toContain(
      'it returned a promise, which only nodes behind a queue can await',
    );
  });

  it('waits for pending events on close and rejects new ones', async () => {
    const processor = threadProcessor('counts.js');
    const pending = Array.from({ length: 20 }, () => processor.process(event()));
    await processor.close();
    expect((await Promise.all(pending)).at(-1)!.data).toEqual({ count: 20 });
    await expect(processor.process(event())).rejects.toThrow(
      'the ThreadProcessor of counts.js is closed',
    );
    await processor.close();
  });

  it('stops waiting for pending events on close when the deadline passes', async () => {
    const processor = threadProcessor('waits.js');
    const isThere = new EventEmitter();
    const channel = new BroadcastChannel('a gate for threads');
    channel.addEventListener('message', () => isThere.emit('there'));
    const waits = rejection(processor.process(event('waits')));
    const next = rejection(processor.process(event('sold')));
    await once(isThere, 'there');
    channel.close();
    await processor.close({ signal: AbortSignal.abort() });
    expect((await waits).message).toBe('Terminating worker thread');
    expect((await next).message).toBe('the ThreadProcessor of waits.js is closed');
  });
});

describe('ThreadFilter', () => {
  it.each(['filter.js', 'filters.js'])('drops events that %s rejects', async (file) => {
    const { names, stats } = await emitted(threadFilter(file), 'public', 'private');
    expect(names).toEqual(['public']);
    expect(stats).toMatchObject({ arrived: 2, filtered: 1, delivered: 1, dropped: {} });
    expect(log.error).not.toHaveBeenCalled();
  });

  it('drops and reports an event when the filter fails or its thread dies', async () => {
    const filter = threadFilter('filter.js');
    const { names, stats } = await emitted(filter, 'unclear', 'dies', 'public');
    expect(names).toEqual(['public']);
    expect(stats).toMatchObject({ arrived: 3, delivered: 1, dropped: { filter_failed: 2 } });
    expect(log.error.mock.calls).toEqual([
      [expect.stringContaining(`'unclear': RangeError: unclear. The event is dropped.`)],
      [expect.stringContaining(`'dies': Error: worker exited with code: 3. The event is dropped.`)],
    ]);
  });

  it('rejects events after close', async () => {
    const filter = threadFilter('filter.js');
    expect(await filter.filter(event())).toBe(true);
    await filter.close();
    await expect(filter.filter(event())).rejects.toThrow('is closed');
  });
});

describe('Configuration of threads', () => {
  it.each([
    ['./returns.js', /ThreadProcessor: module must be a file: URL or an absolute path/],
    ['./returns.js', /received the string '\.\/returns\.js'\. Pass .* new URL\(/],
    [new URL('https://example.org/a.js'), /received the URL https:\/\/example\.org\/a\.js/],
    [undefined, /received undefined/],
    ['/nowhere/returns.js', /there is no file \/nowhere\/returns\.js\. Threads load comp/],
    [ROOT, /there is no file/],
  ])('is rejected by the constructor when the module is %s', (module, message) => {
    expect(() => new ThreadProcessor(module as string)).toThrow(ImproperlyConfigured);
    expect(() => new ThreadProcessor(module as string)).toThrow(message);
  });

  it.each([
    [
      { threads: 0 },
      /ThreadFilter: threads must be a whole number from 1 to 1024; received the number 0/,
    ],
    [
      { timeout: Infinity },
      /timeout must be a whole number from 1 to 2147483647; received .* Infinity/,
    ],
    [{ idleTimeout: '5' }, /idleTimeout must be a whole number .* received the string '5'/],
    [{ niceness: -1 }, /niceness must be a whole number from 0 to 19; received the number -1/],
    [{ niceness: 20 }, /niceness must be a whole number from 0 to 19; received the number 20/],
    [
      { resourceLimits: { maxOldGenerationSizeMb: 4 } },
      /must be a number of at least 16; received the number 4\./,
    ],
    [
      { resourceLimits: 64 },
      /resourceLimits must be an object of memory limits; received the number 64\. Pass, for example/,
    ],
  ])('is rejected by the constructor when the options are %j', (options, message) => {
    const make = () => new ThreadFilter(pathOf('filter.js'), options as ThreadOptions);
    expect(make).toThrow(ImproperlyConfigured);
    expect(make).toThrow(message);
  });

  it.each([
    ['nothing.js', /nothing\.js has no default export; it exports nothing\. Write: export default/],
    ['named.js', /named\.js has no default export; it exports other, score\./],
    ['number.js', /the default export of .*number\.js: must be a processor .* the number 7/],
    ['filter.js', /filter\.js must be a function, .* received a filter\. Run it with new ThreadFi/],
    ['needs.js', /the constructor of the class Score takes an argument, .* Export an instance\./],
    ['throws.js', /the constructor of the class Score failed\. Error: no model\./],
    ['missing.js', /ThreadProcessor: .*missing\.js could not be loaded\. .*nowhere\.js/],
  ])('is rejected by check() when the module is %s', async (file, message) => {
    const error = await rejection(threadProcessor(file).check());
    expect(error).toBeInstanceOf(ImproperlyConfigured);
    expect(error.message).toMatch(message);
  });

  it('is rejected by check() when a ThreadFilter loads a processor', async () => {
    await expect(threadFilter('returns.js').check()).rejects.toThrow(
      /must be an object with 'filter'; received a processor\. Run it with new ThreadProcessor\(…\)\./,
    );
  });

  it('is accepted by check() when the module has the right role', async () => {
    await threadProcessor('class.js').check();
    await threadFilter('filters.js').check();
  });

  it('is reported with the first event when check() was not called', async () => {
    const { names } = await emitted(threadProcessor('number.js'), 'sold');
    expect(names).toEqual(['sold']);
    expect(log.error.mock.calls[0]![0]).toMatch(/ImproperlyConfigured: .* received the number 7/);
  });

  it('stops the application from starting when a factory calls check()', async () => {
    const useFactory = async () => {
      const processor = threadProcessor('named.js');
      await processor.check();
      return processor;
    };
    const options = {
      queue: new MemoryEventQueue(),
      backends: { node: { processors: [{ useFactory }], backends: {} } },
    };
    const application = Test.createTestingModule({
      imports: [EventTrackingModule.forRoot(options)],
    }).setLogger({ ...log, log() {} });
    await expect(application.compile().then((app) => app.init())).rejects.toThrow(
      /named\.js has no default export/,
    );
  });
});

describe('Process with threads', () => {
  // Node occasionally ends the whole process when a thread runs out of memory.
  it('survives a thread that exceeds its memory limit', { retry: 3 }, async () => {
    const program = join(ROOT, 'test/support/threads-memory.mjs');
    const { code, output } = await runNode([program, pathOf('dies.js')]);
    expect(output).toMatch(
      /^sold: processed\nmemory: .* reaching memory limit.*\nsold: processed\n$/,
    );
    expect(code).toBe(0);
  });

  const APPLICATION = join(ROOT, 'test/support/threads-application.mjs');

  it.each(['factory', 'instance', 'without-nest'])(
    'exits by itself after processing all events: %s',
    async (kind) => {
      const { code, output } = await runNode([APPLICATION, kind, pathOf('drops.js')]);
      expect(output).toBe('{"counts":[1,2],"filtered":1}\n');
      expect(code).toBe(0);
    },
  );
});

async function rejection(work: Promise<unknown>): Promise<Error> {
  const error: unknown = await work.then(
    () => new Error('it did not reject'),
    (fault: unknown) => fault,
  );
  return error as Error;
}
