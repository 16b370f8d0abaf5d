import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LoggerBackend } from '../backends/logger-backend.js';
import { MemoryBackend } from '../backends/memory-backend.js';
import type { Backend, Deadline, Outcome } from '../core/tree/backend.js';
import type { TrackingEvent } from '../core/event/event.js';
import { parseEvent, serializeEvent } from '../core/event/serialize-event.js';
import { DeliveringBackend } from '../delivery/delivering-backend.js';
import type { BackendContractSubject } from './backend-contract-subject.js';
import { backendContract } from './backend-contract.js';
import { RecordingBackend } from './recording-backend.js';

/** A destination that stores an event once, and can be switched off. */
class Destination {
  readonly lines: string[] = [];
  reachable = true;

  write(line: string): void {
    this.require();
    const { id } = parseEvent(line);
    if (!this.lines.some((each) => parseEvent(each).id === id)) this.lines.push(line);
  }

  require(): void {
    if (!this.reachable) throw new Error('ECONNREFUSED');
  }
}

/** Keeps every promise; stands for a client that collects what it is given until it is flushed. */
class SoundBackend implements Backend {
  buffer: string[] = [];

  constructor(readonly destination: Destination) {}

  async send(event: TrackingEvent): Promise<void> {
    this.destination.require();
    this.buffer.push(serializeEvent(event));
  }

  async sendBatch(events: readonly TrackingEvent[]): Promise<void | readonly Outcome[]> {
    for (const event of events) await this.send(event);
    return events.map(() => ({ ok: true }) as const);
  }

  async check(): Promise<void> {
    this.destination.require();
  }

  async flush({ signal }: Deadline): Promise<void> {
    signal?.throwIfAborted();
    for (const line of this.buffer.splice(0)) this.destination.write(line);
  }

  async close(options: Deadline): Promise<void> {
    await this.flush(options);
  }
}

function subjectOf(
  make: (destination: Destination) => Backend,
  timeout = 1_000,
): BackendContractSubject {
  const destination = new Destination();
  return {
    create: () => make(destination),
    stored: async () => destination.lines.map(parseEvent),
    outage: {
      async begin() {
        destination.reachable = false;
      },
      async end() {
        destination.reachable = true;
      },
    },
    async cleanUp() {
      destination.lines.length = 0;
    },
    timeout,
  };
}

/** What keeps its events at hand. */
function subjectInMemory<T extends Backend & { readonly events: readonly TrackingEvent[] }>(
  make: () => T,
): BackendContractSubject {
  const made: T[] = [];
  return {
    create() {
      const backend = make();
      made.push(backend);
      return backend;
    },
    stored: async () => made.flatMap(({ events }) => events),
    storesOnce: false,
    keepsReference: true,
  };
}

function subjectOfLogger(): BackendContractSubject {
  const lines: string[] = [];
  return {
    create: () => new LoggerBackend({ logger: { log: (line) => lines.push(line) } }),
    stored: async () => lines.filter((line) => !line.includes('metadata_record')).map(parseEvent),
    storesOnce: false,
  };
}

const KEPT: Record<string, () => BackendContractSubject> = {
  'a backend that buffers': () => subjectOf((destination) => new SoundBackend(destination)),
  'a backend that takes over during an outage and delivers after it': () =>
    subjectOf(
      (destination) =>
        new (class extends SoundBackend {
          override async send(event: TrackingEvent): Promise<void> {
            this.buffer.push(serializeEvent(event));
          }

          override async flush({ signal }: Deadline): Promise<void> {
            signal?.throwIfAborted();
            this.destination.require();
            await super.flush({ signal });
          }
        })(destination),
    ),
  'a backend whose sends wait for a flush': () =>
    subjectOf(
      (destination) =>
        new (class implements Backend {
          #waiting: (() => void)[] = [];

          send(event: TrackingEvent): Promise<void> {
            const line = serializeEvent(event);
            return new Promise((resolve, reject) => {
              if (!destination.reachable) return reject(new Error('ECONNREFUSED'));
              this.#waiting.push(() => {
                destination.write(line);
                resolve();
              });
            });
          }

          async flush(): Promise<void> {
            for (const deliver of this.#waiting.splice(0)) deliver();
          }

          async close(): Promise<void> {
            await this.flush();
          }
        })(),
    ),
  'a backend that sends at once and has nothing but send': () =>
    subjectOf((destination) => ({
      send: (event) => destination.write(serializeEvent(event)),
    })),
  'a backend that reports failures as outcomes': () =>
    subjectOf(
      (destination) =>
        new (class extends SoundBackend {
          override async sendBatch(events: readonly TrackingEvent[]): Promise<readonly Outcome[]> {
            return Promise.all(
              events.map(async (event): Promise<Outcome> => {
                try {
                  await this.send(event);
                  return { ok: true };
                } catch (error) {
                  return { ok: false, error, retryable: true };
                }
              }),
            );
          }
        })(destination),
    ),
  'a DeliveringBackend': () =>
    subjectOf(
      (destination) =>
        new DeliveringBackend(new SoundBackend(destination), {
          retry: { minDelay: 10, maxDelay: 50 },
        }),
    ),
  MemoryBackend: () => subjectInMemory(() => new MemoryBackend()),
  RecordingBackend: () => subjectInMemory(() => new RecordingBackend()),
  LoggerBackend: subjectOfLogger,
};

describe.each(Object.entries(KEPT))('backendContract of %s', (_, subject) => {
  beforeEach(() => {
    for (const level of ['warn', 'error'] as const) {
      vi.spyOn(console, level).mockImplementation(() => {}); // outages are reported
    }
  });
  afterEach(() => void vi.restoreAllMocks());

  for (const { name, run } of backendContract(subject())) it(name, run);
});

/** Changes events on their way into the destination. */
function storing(change: (line: string) => string): (destination: Destination) => Backend {
  return (destination) =>
    new (class extends SoundBackend {
      override async send(event: TrackingEvent): Promise<void> {
        this.destination.require();
        this.buffer.push(change(serializeEvent(event)));
      }
    })(destination);
}

/** A sound backend with some methods exchanged. */
function withMethods(
  methods: (backend: SoundBackend) => Partial<Backend>,
): (destination: Destination) => Backend {
  return (destination) => {
    const backend = new SoundBackend(destination);
    return Object.assign(backend, methods(new SoundBackend(destination)));
  };
}

const never = (): Promise<never> => new Promise(() => {});

interface Broken {
  readonly make: (destination: Destination) => Backend;
  readonly says: RegExp;
}

/** For each promise, backends that break it, and what is said of them. */
const BROKEN: Record<string, readonly Broken[]> = {
  'register takes a metadata record, and the same one again': [
    { make: withMethods(() => ({ register: never })), says: /register\(record\) did not settle/ },
    {
      make: withMethods(() => {
        let isKnown = false;
        return {
          async register() {
            if (isKnown) throw new Error('duplicate key');
            isKnown = true;
          },
        };
      }),
      says: /register\(record\) failed: Error: duplicate key/,
    },
  ],
  'stores an event with its id, name, timestamp to the millisecond, context and data': [
    {
      make: storing((line) => line.replace(/\.\d{3}Z/, '.000Z')),
      says: /stored otherwise than it was sent:\n {2}timestamp: expected \S+\.001Z, found \S+\.000Z/,
    },
    {
      make: storing((line) => line.replace('/courses/DemoX', '/')),
      says: /context\.path: expected "\/courses\/DemoX", found "\/"/,
    },
    {
      make: storing((line) => line.replace(/"name":"[^"]*"/, '"name":"event"')),
      says: /name: expected "contract\.millisecond_0", found "event"/,
    },
    {
      make: withMethods(() => ({ async send() {} })),
      says: /contract\.millisecond_0 .* was sent; stored it is not\./,
    },
    { make: withMethods(() => ({ send: never })), says: /send\(event\) did not settle within 200/ },
    {
      make: withMethods(() => ({
        send() {
          throw new Error('no such table');
        },
      })),
      says: /send\(event\) failed: Error: no such table/,
    },
  ],
  'stores nested data, lists and numbers as they are': [
    {
      make: storing((line) => line.replaceAll('9007199254740991', '9007199254740992')),
      says: /context\.content\.numbers\[6\]: expected 9007199254740991, found 9007199254740992/,
    },
    {
      make: storing((line) => line.replaceAll('{"number":2}', '"[Object]"')),
      says: /data\.course\.run\.weeks\[1\]: expected \{"number":2\}, found "\[Object\]"/,
    },
    {
      make: storing((line) => line.replaceAll('"0"', '0')),
      says: /data\.text\[0\]: expected "0", found 0/,
    },
  ],
  'stores text in any script, with quotes and line breaks': [
    {
      make: storing((line) => line.replaceAll(/[^\0-\x7f]/gu, '?')), // oxlint-disable-line no-control-regex
      says: /name: expected "contract\.событие", found "contract\.\?{7}"/,
    },
    {
      make: storing((line) => line.normalize('NFC')),
      says: /greetings\[4\]/,
    },
    {
      make: storing((line) => line.replaceAll(String.raw`\r\n`, String.raw`\n`)),
      says: /breaks: expected/,
    },
  ],
  'stores empty objects, empty lists, empty text and nulls': [
    {
      make: storing((line) => line.replaceAll('"nothing":null,', '')),
      says: /data\.nothing: expected null, found nothing/,
    },
    {
      make: storing((line) => line.replaceAll('"object":{},', '')),
      says: /data\.object: expected \{\}, found nothing/,
    },
    {
      make: storing((line) => line.replaceAll('"list":[]', '"list":{}')),
      says: /data\.list: expected \[\], found \{\}/,
    },
  ],
  'stores keys with dots and dollars, and keys that JavaScript knows': [
    {
      make: storing((line) => line.replaceAll('"course.id"', '"course_id"')),
      says: /data\["course\.id"\]: expected "DemoX", found nothing\n {2}data\.course_id: expected nothing, found "DemoX"/,
    },
    {
      make: storing((line) => line.replaceAll('"$inc":1,', '')),
      says: /data\.\$set\.\$inc: expected 1, found nothing/,
    },
    {
      make: storing((line) => line.replaceAll(/,"__proto__":\{"polluted":true\}/g, '')),
      says: /__proto__: expected \{"polluted":true\}, found nothing/,
    },
  ],
  'does not change the events it is given': [
    {
      make: withMethods((sound) => ({
        send(event) {
          const sending = sound.send(event);
          event.data = {};
          return sending;
        },
        flush: (options) => sound.flush(options),
      })),
      says: /was changed by the backend:\n {2}data\.course: expected/,
    },
    {
      make: withMethods((sound) => ({
        send: (event) => sound.send(Object.assign(event, { _id: event.id })),
        flush: (options) => sound.flush(options),
      })),
      says: /was given further keys: _id/,
    },
    {
      make: withMethods((sound) => ({
        async sendBatch(events) {
          await sound.sendBatch((events as TrackingEvent[]).splice(0));
        },
      })),
      says: /array that sendBatch was given/,
    },
  ],
  'keeps no reference to an event that it has taken over': [
    {
      make: (destination) => {
        const events: TrackingEvent[] = [];
        return {
          send: (event) => void events.push(event),
          async flush() {
            for (const event of events.splice(0)) destination.write(serializeEvent(event));
          },
        };
      },
      says: /stored otherwise.*\n {2}name: expected "contract\.event", found "contract\.changed_later"/,
    },
  ],
  'keeps the order of sends': [
    {
      make: withMethods((sound) => ({
        async flush(this: SoundBackend, options) {
          this.buffer.reverse();
          await sound.flush.call(this, options);
        },
      })),
      says: /stored in the order 9, 8, 7/,
    },
  ],
  'stores every event of a batch, and reports an outcome for each or none': [
    {
      make: withMethods(() => ({
        async sendBatch(this: SoundBackend, [first]) {
          await this.send(first!);
        },
      })),
      says: /stored it is not/,
    },
    {
      make: withMethods(() => ({
        async sendBatch(this: SoundBackend, events) {
          for (const event of events) await this.send(event);
          return [{ ok: true }];
        },
      })),
      says: /was given 20 events and reported 1 outcomes/,
    },
    {
      make: withMethods(() => ({
        async sendBatch(this: SoundBackend, events) {
          for (const event of events) await this.send(event);
          return events.map(() => ({ ok: false, error: new Error('?'), retryable: true }));
        },
      })),
      says: /1 of 1 events failed, though the destination could be reached/,
    },
  ],
  'stores an event once that is sent twice': [
    {
      make: (destination) => ({
        send(event) {
          destination.lines.push(serializeEvent(event));
        },
      }),
      says: /stored it is 2 times/,
    },
    {
      make: withMethods(() => ({
        async sendBatch(this: SoundBackend, events) {
          const lines = events.map(serializeEvent);
          this.destination.lines.push(...lines.filter((line, index) => index < 3 && line !== ''));
        },
      })),
      says: /stored it is (2 times|not)/,
    },
  ],
  'two backends side by side do not mix': [
    {
      make: (() => {
        const shared = { closed: false };
        return withMethods((sound) => ({
          async send(this: SoundBackend, event) {
            if (shared.closed) throw new Error('the connection is closed');
            await SoundBackend.prototype.send.call(this, event);
          },
          async close(this: SoundBackend, options) {
            await sound.flush.call(this, options);
            shared.closed = true;
          },
        }));
      })(),
      says: /the connection is closed/,
    },
    {
      make: (() => {
        let last: TrackingEvent | undefined;
        return withMethods(() => ({
          async send(this: SoundBackend, event) {
            last = event;
            await Promise.resolve();
            this.buffer.push(serializeEvent(last));
          },
        }));
      })(),
      says: /stored it is not/,
    },
  ],
  'check resolves when the destination can be reached': [
    {
      make: withMethods(() => ({
        async check() {
          throw new Error('401');
        },
      })),
      says: /check\(\) failed: Error: 401/,
    },
    { make: withMethods(() => ({ check: never })), says: /check\(\) did not settle within 200 ms/ },
  ],
  'flush resolves when everything sent is stored, each time': [
    { make: withMethods(() => ({ async flush() {} })), says: /stored it is not/ },
    {
      make: withMethods((sound) => {
        let flushed = 0;
        return {
          async flush(this: SoundBackend, options) {
            // Each send is followed by two.
            if (flushed++ < 2) await sound.flush.call(this, options);
          },
        };
      }),
      says: /stored it is not/,
    },
  ],
  'flush resolves when nothing was sent': [
    {
      make: withMethods((sound) => ({
        async flush(this: SoundBackend, options) {
          if (this.buffer.length === 0) await never();
          await sound.flush.call(this, options);
        },
      })),
      says: /flush\(\) did not settle within 200 ms/,
    },
  ],
  'flush ends when its signal has aborted': [
    {
      make: withMethods((sound) => ({
        async flush(this: SoundBackend, options) {
          if (options.signal?.aborted === true) await never();
          await sound.flush.call(this, options);
        },
      })),
      says: /signal that had aborted, and did not settle/,
    },
  ],
  'close delivers what was sent': [
    { make: withMethods(() => ({ async close() {} })), says: /stored it is not/ },
  ],
  'close does no harm when it is called again': [
    {
      make: withMethods((sound) => {
        let closed = false;
        return {
          async close(this: SoundBackend, options) {
            if (closed) throw new Error('it is closed already');
            closed = true;
            await sound.flush.call(this, options);
          },
        };
      }),
      says: /close\(\) failed: Error: it is closed already/,
    },
  ],
  'send rejects during an outage, or delivers after it': [
    {
      make: withMethods((sound) => ({
        async send(this: SoundBackend, event) {
          await sound.send.call(this, event).catch(() => {});
        },
      })),
      says: /3 of 3 events were lost in silence/,
    },
    {
      make: withMethods((sound) => ({
        send(this: SoundBackend, event) {
          this.destination.require();
          return sound.send.call(this, event);
        },
      })),
      says: /send threw at once during an outage/,
    },
    {
      make: withMethods((sound) => ({
        async send(this: SoundBackend, event) {
          if (!this.destination.reachable) await never();
          await sound.send.call(this, event);
        },
      })),
      says: /send\(event\) did not settle within 200 ms during an outage/,
    },
  ],
  'sendBatch rejects or reports failures during an outage, or delivers after it': [
    {
      make: withMethods((sound) => ({
        async sendBatch(this: SoundBackend, events, options) {
          void options;
          return sound.sendBatch.call(this, events).catch(() => {});
        },
      })),
      says: /3 of 3 events were lost in silence/,
    },
    {
      make: withMethods((sound) => ({
        async sendBatch(this: SoundBackend, events) {
          return sound.sendBatch.call(this, events).catch(() => []);
        },
      })),
      says: /was given 3 events and reported 0 outcomes during an outage/,
    },
    {
      make: withMethods((sound) => ({
        sendBatch(this: SoundBackend, events) {
          this.destination.require();
          return sound.sendBatch.call(this, events);
        },
      })),
      says: /sendBatch threw at once during an outage/,
    },
  ],
  'check rejects during an outage, and resolves after it': [
    { make: withMethods(() => ({ async check() {} })), says: /check\(\) resolved though/ },
    {
      make: withMethods(() => {
        let failed = false;
        return {
          async check(this: SoundBackend) {
            failed ||= !this.destination.reachable;
            if (failed) throw new Error('still failed');
          },
        };
      }),
      says: /check\(\) after an outage failed: Error: still failed/,
    },
    {
      make: withMethods(() => ({
        check(this: SoundBackend) {
          this.destination.require();
          return Promise.resolve();
        },
      })),
      says: /check threw at once during an outage/,
    },
  ],
  'flush ends when its signal aborts during an outage': [
    {
      make: withMethods((sound) => ({
        async flush(this: SoundBackend, options) {
          if (!this.destination.reachable) await never();
          await sound.flush.call(this, options);
        },
      })),
      says: /though its signal had aborted after 50 ms/,
    },
  ],
  'delivers again after an outage': [
    {
      make: withMethods((sound) => {
        let broken = false;
        return {
          async send(this: SoundBackend, event) {
            broken ||= !this.destination.reachable;
            if (broken) throw new Error('the connection is lost');
            await sound.send.call(this, event);
          },
        };
      }),
      says: /the connection is lost/,
    },
  ],
};

describe('backendContract', () => {
  it.each(
    Object.entries(BROKEN).flatMap(([name, broken]) =>
      broken.map(({ make, says }) => ({ name, make, says })),
    ),
  )('finds a backend that breaks: $name ($says)', async ({ name, make, says }) => {
    const promise = backendContract(subjectOf(make, 200)).find((each) => each.name === name);
    await expect(promise?.run()).rejects.toThrow(says);
  });

  it('has no promise that cannot be broken', () => {
    const names = backendContract(subjectOf(() => new RecordingBackend())).map(({ name }) => name);
    expect(names.filter((name) => BROKEN[name] === undefined)).toEqual([]);
    expect(Object.keys(BROKEN).filter((name) => !names.includes(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('leaves out what a subject does not promise', () => {
    const all = subjectOf(() => new RecordingBackend());
    const namesOf = (subject: BackendContractSubject): string[] =>
      backendContract(subject).map(({ name }) => name);
    const without = (change: Partial<BackendContractSubject>): string[] => {
      const left = namesOf({ ...all, ...change });
      return namesOf(all).filter((name) => !left.includes(name));
    };
    expect(without({ keepsOrder: false })).toEqual(['keeps the order of sends']);
    expect(without({ storesOnce: false })).toEqual(['stores an event once that is sent twice']);
    expect(without({ keepsReference: true })).toEqual([
      'keeps no reference to an event that it has taken over',
    ]);
    expect(without({ outage: undefined })).toEqual(
      namesOf(all).filter((name) => name.includes('outage')),
    );
  });

  it('ends the outage, closes backends and cleans up also where a promise is broken', async () => {
    const ended: string[] = [];
    const subject = subjectOf(
      withMethods(() => ({
        async check() {},
        async close() {
          ended.push('closed');
        },
      })),
    );
    const [broken] = backendContract({
      ...subject,
      outage: {
        begin: async () => {},
        end: async () => void ended.push('reachable'),
      },
      cleanUp: async () => void ended.push('clean'),
    }).filter(({ name }) => name.startsWith('check rejects'));
    await expect(broken!.run()).rejects.toThrow('check() resolved though');
    expect(ended).toEqual(['reachable', 'closed', 'clean']);
  });

  it('tells a backend that cannot be closed, and cleans up all the same', async () => {
    let clean = false;
    const [first] = backendContract({
      ...subjectOf(
        withMethods(() => ({
          async close() {
            throw new Error('stuck');
          },
        })),
      ),
      cleanUp: async () => void (clean = true),
    });
    await expect(first!.run()).rejects.toThrow('close() failed: Error: stuck');
    expect(clean).toBe(true);
  });
});
