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

/** A destination that stores each event once and can be made unreachable. */
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

/** Satisfies every clause; buffers events until it is flushed, as many clients do. */
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

/** Creates the subject of a backend that exposes its events. */
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
  'a buffering backend': () => subjectOf((destination) => new SoundBackend(destination)),
  'a backend that accepts events during an outage and delivers them afterwards': () =>
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
  'a synchronous backend with no method but send': () =>
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

describe.each(Object.entries(KEPT))('backendContract for %s', (_, subject) => {
  beforeEach(() => {
    for (const level of ['warn', 'error'] as const) {
      vi.spyOn(console, level).mockImplementation(() => {}); // outages are reported
    }
  });
  afterEach(() => void vi.restoreAllMocks());

  for (const { name, run } of backendContract(subject())) it(name, run);
});

/** Creates a backend that changes events before they are stored. */
function storing(change: (line: string) => string): (destination: Destination) => Backend {
  return (destination) =>
    new (class extends SoundBackend {
      override async send(event: TrackingEvent): Promise<void> {
        this.destination.require();
        this.buffer.push(change(serializeEvent(event)));
      }
    })(destination);
}

/** Creates a sound backend with some methods replaced. */
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
  readonly message: RegExp;
}

/** Faulty backends for each clause, with the messages that they must cause. */
const BROKEN: Record<string, readonly Broken[]> = {
  'accepts a metadata record that is already registered': [
    {
      make: withMethods(() => ({ register: never })),
      message: /register\(record\) did not settle/,
    },
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
      message: /register\(record\) failed: Error: duplicate key/,
    },
  ],
  'stores the id, name, millisecond timestamp, context and data of an event': [
    {
      make: storing((line) => line.replace(/\.\d{3}Z/, '.000Z')),
      message: /was not stored as sent:\n {2}timestamp: expected \S+\.001Z, found \S+\.000Z/,
    },
    {
      make: storing((line) => line.replace('/courses/DemoX', '/')),
      message: /context\.path: expected "\/courses\/DemoX", found "\/"/,
    },
    {
      make: storing((line) => line.replace(/"name":"[^"]*"/, '"name":"event"')),
      message: /name: expected "contract\.millisecond_0", found "event"/,
    },
    {
      make: withMethods(() => ({ async send() {} })),
      message: /contract\.millisecond_0 .* was sent but not stored\./,
    },
    {
      make: withMethods(() => ({ send: never })),
      message: /send\(event\) did not settle within 200/,
    },
    {
      make: withMethods(() => ({
        send() {
          throw new Error('no such table');
        },
      })),
      message: /send\(event\) failed: Error: no such table/,
    },
  ],
  'stores nested data, lists and numbers unchanged': [
    {
      make: storing((line) => line.replaceAll('9007199254740991', '9007199254740992')),
      message: /context\.content\.numbers\[6\]: expected 9007199254740991, found 9007199254740992/,
    },
    {
      make: storing((line) => line.replaceAll('{"number":2}', '"[Object]"')),
      message: /data\.course\.run\.weeks\[1\]: expected \{"number":2\}, found "\[Object\]"/,
    },
    {
      make: storing((line) => line.replaceAll('"0"', '0')),
      message: /data\.text\[0\]: expected "0", found 0/,
    },
  ],
  'stores text in any script, including quotes and line breaks': [
    {
      make: storing((line) => line.replaceAll(/[^\0-\x7f]/gu, '?')), // oxlint-disable-line no-control-regex
      message: /name: expected "contract\.событие", found "contract\.\?{7}"/,
    },
    {
      make: storing((line) => line.normalize('NFC')),
      message: /greetings\[4\]/,
    },
    {
      make: storing((line) => line.replaceAll(String.raw`\r\n`, String.raw`\n`)),
      message: /breaks: expected/,
    },
  ],
  'stores empty objects, empty lists, empty strings and nulls': [
    {
      make: storing((line) => line.replaceAll('"nothing":null,', '')),
      message: /data\.nothing: expected null, found nothing/,
    },
    {
      make: storing((line) => line.replaceAll('"object":{},', '')),
      message: /data\.object: expected \{\}, found nothing/,
    },
    {
      make: storing((line) => line.replaceAll('"list":[]', '"list":{}')),
      message: /data\.list: expected \[\], found \{\}/,
    },
  ],
  'stores keys with dots and dollar signs, and keys such as __proto__': [
    {
      make: storing((line) => line.replaceAll('"course.id"', '"course_id"')),
      message:
        /data\["course\.id"\]: expected "DemoX", found nothing\n {2}data\.course_id: expected nothing, found "DemoX"/,
    },
    {
      make: storing((line) => line.replaceAll('"$inc":1,', '')),
      message: /data\.\$set\.\$inc: expected 1, found nothing/,
    },
    {
      make: storing((line) => line.replaceAll(/,"__proto__":\{"polluted":true\}/g, '')),
      message: /__proto__: expected \{"polluted":true\}, found nothing/,
    },
  ],
  'does not modify the events it receives': [
    {
      make: withMethods((sound) => ({
        send(event) {
          const sending = sound.send(event);
          event.data = {};
          return sending;
        },
        flush: (options) => sound.flush(options),
      })),
      message: /was changed by the backend:\n {2}data\.course: expected/,
    },
    {
      make: withMethods((sound) => ({
        send: (event) => sound.send(Object.assign(event, { _id: event.id })),
        flush: (options) => sound.flush(options),
      })),
      message: /added keys to the event '.*': _id/,
    },
    {
      make: withMethods((sound) => ({
        async sendBatch(events) {
          await sound.sendBatch((events as TrackingEvent[]).splice(0));
        },
      })),
      message: /modified the array of events passed to sendBatch/,
    },
  ],
  'ignores changes made to an event after accepting it': [
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
      message:
        /was not stored as sent:\n {2}name: expected "contract\.event", found "contract\.changed_later"/,
    },
  ],
  'stores events in the order in which they were sent': [
    {
      make: withMethods((sound) => ({
        async flush(this: SoundBackend, options) {
          this.buffer.reverse();
          await sound.flush.call(this, options);
        },
      })),
      message: /stored in the order 9, 8, 7/,
    },
  ],
  'stores every event of a batch and reports one outcome per event or none at all': [
    {
      make: withMethods(() => ({
        async sendBatch(this: SoundBackend, [first]) {
          await this.send(first!);
        },
      })),
      message: /was sent but not stored/,
    },
    {
      make: withMethods(() => ({
        async sendBatch(this: SoundBackend, events) {
          for (const event of events) await this.send(event);
          return [{ ok: true }];
        },
      })),
      message: /received 20 events but reported 1 outcomes/,
    },
    {
      make: withMethods(() => ({
        async sendBatch(this: SoundBackend, events) {
          for (const event of events) await this.send(event);
          return events.map(() => ({ ok: false, error: new Error('?'), retryable: true }));
        },
      })),
      message: /1 of 1 events failed, although the destination was reachable/,
    },
  ],
  'stores an event once even if it is sent twice': [
    {
      make: (destination) => ({
        send(event) {
          destination.lines.push(serializeEvent(event));
        },
      }),
      message: /was sent but stored 2 times \(expected once\)/,
    },
    {
      make: withMethods(() => ({
        async sendBatch(this: SoundBackend, events) {
          const lines = events.map(serializeEvent);
          this.destination.lines.push(...lines.filter((line, index) => index < 3 && line !== ''));
        },
      })),
      message: /was sent but (stored 2 times|not stored)/,
    },
  ],
  'works independently of a second instance': [
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
      message: /the connection is closed/,
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
      message: /was sent but not stored/,
    },
  ],
  'resolves check() while the destination is reachable': [
    {
      make: withMethods(() => ({
        async check() {
          throw new Error('401');
        },
      })),
      message: /check\(\) failed: Error: 401/,
    },
    {
      make: withMethods(() => ({ check: never })),
      message: /check\(\) did not settle within 200 ms/,
    },
  ],
  'resolves flush() once all events sent before are stored': [
    { make: withMethods(() => ({ async flush() {} })), message: /was sent but not stored/ },
    {
      make: withMethods((sound) => {
        let flushed = 0;
        return {
          async flush(this: SoundBackend, options) {
            // Each send is followed by two flushes.
            if (flushed++ < 2) await sound.flush.call(this, options);
          },
        };
      }),
      message: /was sent but not stored/,
    },
  ],
  'has stored each event when tracker.persisted() resolves': [
    { make: withMethods(() => ({ async flush() {} })), message: /was sent but not stored/ },
    {
      make: withMethods(() => ({ flush: never, close: async () => {} })),
      message: /persisted\(\) did not settle within 200 ms/,
    },
  ],
  'stores each event that tracker.persisted() confirms, also during an outage': [
    {
      make: withMethods((sound) => ({
        async sendBatch(this: SoundBackend, events) {
          if (this.destination.reachable) return sound.sendBatch.call(this, events);
        },
      })),
      message: /was sent but not stored/,
    },
  ],
  'resolves flush() when nothing was sent': [
    {
      make: withMethods((sound) => ({
        async flush(this: SoundBackend, options) {
          if (this.buffer.length === 0) await never();
          await sound.flush.call(this, options);
        },
      })),
      message: /flush\(\) did not settle within 200 ms/,
    },
  ],
  'settles flush() when its signal is already aborted': [
    {
      make: withMethods((sound) => ({
        async flush(this: SoundBackend, options) {
          if (options.signal?.aborted === true) await never();
          await sound.flush.call(this, options);
        },
      })),
      message: /did not settle within 200 ms, although its signal was already aborted/,
    },
  ],
  'delivers all events before close() resolves': [
    { make: withMethods(() => ({ async close() {} })), message: /was sent but not stored/ },
  ],
  'tolerates repeated calls of close()': [
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
      message: /close\(\) failed: Error: it is closed already/,
    },
  ],
  'rejects send() during an outage or delivers the event afterwards': [
    {
      make: withMethods((sound) => ({
        async send(this: SoundBackend, event) {
          await sound.send.call(this, event).catch(() => {});
        },
      })),
      message: /3 of 3 events were lost silently/,
    },
    {
      make: withMethods((sound) => ({
        send(this: SoundBackend, event) {
          this.destination.require();
          return sound.send.call(this, event);
        },
      })),
      message: /send\(\) threw synchronously during an outage/,
    },
    {
      make: withMethods((sound) => ({
        async send(this: SoundBackend, event) {
          if (!this.destination.reachable) await never();
          await sound.send.call(this, event);
        },
      })),
      message: /send\(event\) did not settle within 200 ms during an outage/,
    },
  ],
  'fails sendBatch() during an outage or delivers the batch afterwards': [
    {
      make: withMethods((sound) => ({
        async sendBatch(this: SoundBackend, events, options) {
          void options;
          return sound.sendBatch.call(this, events).catch(() => {});
        },
      })),
      message: /3 of 3 events were lost silently/,
    },
    {
      make: withMethods((sound) => ({
        async sendBatch(this: SoundBackend, events) {
          return sound.sendBatch.call(this, events).catch(() => []);
        },
      })),
      message: /received 3 events but reported 0 outcomes during an outage/,
    },
    {
      make: withMethods((sound) => ({
        sendBatch(this: SoundBackend, events) {
          this.destination.require();
          return sound.sendBatch.call(this, events);
        },
      })),
      message: /sendBatch\(\) threw synchronously during an outage/,
    },
  ],
  'rejects check() during an outage and resolves it afterwards': [
    { make: withMethods(() => ({ async check() {} })), message: /check\(\) resolved although/ },
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
      message: /check\(\) after an outage failed: Error: still failed/,
    },
    {
      make: withMethods(() => ({
        check(this: SoundBackend) {
          this.destination.require();
          return Promise.resolve();
        },
      })),
      message: /check\(\) threw synchronously during an outage/,
    },
  ],
  'settles flush() when its signal aborts during an outage': [
    {
      make: withMethods((sound) => ({
        async flush(this: SoundBackend, options) {
          if (!this.destination.reachable) await never();
          await sound.flush.call(this, options);
        },
      })),
      message: /although its signal aborted after 50 ms/,
    },
  ],
  'resumes delivery after an outage': [
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
      message: /the connection is lost/,
    },
  ],
};

describe('backendContract', () => {
  it.each(
    Object.entries(BROKEN).flatMap(([name, broken]) =>
      broken.map(({ make, message }) => ({ name, make, message })),
    ),
  )('reports a backend that violates "$name": $message', async ({ name, make, message }) => {
    const broken = backendContract(subjectOf(make, 200)).find((each) => each.name === name);
    await expect(broken?.run()).rejects.toThrow(message);
  });

  it('has a faulty example for each clause', () => {
    const names = backendContract(subjectOf(() => new RecordingBackend())).map(({ name }) => name);
    expect(names.filter((name) => BROKEN[name] === undefined)).toEqual([]);
    expect(Object.keys(BROKEN).filter((name) => !names.includes(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('omits the clauses that a subject excludes', () => {
    const all = subjectOf(() => new RecordingBackend());
    const namesOf = (subject: BackendContractSubject): string[] =>
      backendContract(subject).map(({ name }) => name);
    const without = (change: Partial<BackendContractSubject>): string[] => {
      const left = namesOf({ ...all, ...change });
      return namesOf(all).filter((name) => !left.includes(name));
    };
    expect(without({ keepsOrder: false })).toEqual([
      'stores events in the order in which they were sent',
    ]);
    expect(without({ storesOnce: false })).toEqual([
      'stores an event once even if it is sent twice',
    ]);
    expect(without({ keepsReference: true })).toEqual([
      'ignores changes made to an event after accepting it',
    ]);
    expect(without({ outage: undefined })).toEqual(
      namesOf(all).filter((name) => name.includes('outage')),
    );
  });

  it('ends the outage, closes its backends and cleans up after a violation', async () => {
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
    }).filter(({ name }) => name.startsWith('rejects check()'));
    await expect(broken!.run()).rejects.toThrow('check() resolved although');
    expect(ended).toEqual(['reachable', 'closed', 'clean']);
  });

  it('reports a failing close() and still cleans up', async () => {
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
