import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { NestProject } from './support/nest-project.js';
import { ROOT } from './support/root.js';
import { runNode, type Run } from './support/run-node.js';

const LIBRARY = join(ROOT, 'libs/event-tracking');
const CLI = join(LIBRARY, 'dist/cli/main.js');

interface CodeLocation {
  file: string;
  line: number;
  column: number;
}

interface LocatedName {
  name: string;
  places: CodeLocation[];
}

interface Discovery {
  emitted: LocatedName[];
  notInCatalogue: LocatedName[];
  neverEmitted: LocatedName[];
  dynamic: (CodeLocation & { call: string; code: string })[];
  untyped: CodeLocation[];
}

function discover(cwd: string, ...args: string[]): Promise<Run> {
  return runNode([CLI, 'discover', ...args], { cwd });
}

async function discovery(cwd: string, ...args: string[]): Promise<Discovery> {
  const { output } = await discover(cwd, '--json', ...args);
  return JSON.parse(output) as Discovery;
}

const namesOf = (all: readonly LocatedName[]): string[] => all.map(({ name }) => name);

/** A source file with the sorted names that it emits and its number of dynamic calls. */
interface Case {
  what: string;
  code: string;
  names: string[];
  dynamic?: number;
}

const TRACKER = `import { Tracker } from 'nestjs-event-tracking/core'; declare const tracker: Tracker;`;

const CALLS: Case[] = [
  {
    what: 'a tracker that is injected',
    code: `import { Tracker } from 'nestjs-event-tracking';
      export class Courses {
        constructor(private readonly tracker: Tracker) {}
        enrol() { this.tracker.emit('enrolled', { seat: 1 }); }
      }`,
    names: ['enrolled'],
  },
  {
    what: 'a tracker that may be missing',
    code: `import type { Tracker } from 'nestjs-event-tracking';
      export function report(tracker?: Tracker) { tracker?.emit('optional'); tracker!.emit('certain'); }`,
    names: ['certain', 'optional'],
  },
  {
    what: 'a tracker of another import path, through a namespace import',
    code: `import * as tracking from 'nestjs-event-tracking/core'; new tracking.Tracker().emit('by path');`,
    names: ['by path'],
  },
  {
    what: 'a tracker that the file does not import',
    code: `import { place } from './place.js'; place.tracker.emit('from afar');`,
    names: ['from afar'],
  },
  {
    what: 'a subclass of Tracker, which may override emit',
    code: `import { Tracker } from 'nestjs-event-tracking';
      class Plain extends Tracker {}
      class Own extends Plain { override emit(name?: string): void { super.emit('super'); void name; } }
      new Plain().emit('plain'); new Own().emit('own');`,
    names: ['own', 'plain', 'super'],
  },
  {
    what: "a tracker of the application's own events",
    code: `import type { Tracker } from 'nestjs-event-tracking';
      interface AppEvents { sold: { price: number } }
      export const report = (tracker: Tracker<AppEvents>) => tracker.emit('sold', { price: 1 });`,
    names: ['sold'],
  },
  {
    what: 'a generic type that is a tracker',
    code: `import type { Tracker } from 'nestjs-event-tracking';
      export function report<T extends Tracker>(one: T, other: T & { id: string }, part: Pick<Tracker, 'emit'>) {
        one.emit('generic'); other.emit('more'); part.emit('part');
      }`,
    names: ['generic', 'more', 'part'],
  },
  {
    what: 'emit under another name',
    code: `${TRACKER}
      const report = tracker.emit.bind(tracker); report('bound');
      const { emit: tell } = tracker; tell('destructured');
      const reports = { report }; reports.report('in an object');
      tracker['emit']('by key');`,
    names: ['bound', 'by key', 'destructured', 'in an object'],
  },
  {
    what: 'emit through call and bind',
    code: `${TRACKER}
      tracker.emit.call(tracker, 'called'); tracker.emit.bind(tracker, 'bound with a name')();`,
    names: ['bound with a name', 'called'],
  },
  {
    what: 'emit that is applied or passed on, as dynamic',
    code: `${TRACKER}
      declare function use(report: (name: string) => void): void;
      declare const args: [string];
      use(tracker.emit); use(tracker.emit.bind(tracker)); setTimeout(tracker.emit, 1); tracker.emit.apply(tracker, args);
      const report: (name: string) => void = tracker.emit; report('lost');`,
    names: [],
    dynamic: 5,
  },
  {
    what: 'the emit function of the package, also renamed',
    code: `import { emit, emit as report } from 'nestjs-event-tracking';
      import * as tracking from 'nestjs-event-tracking';
      emit('global'); report('renamed'); tracking.emit('namespaced');`,
    names: ['global', 'namespaced', 'renamed'],
  },
  {
    what: '@EmitEvent, also renamed, alone or combined',
    code: `import { applyDecorators } from '@nestjs/common';
      import { EmitEvent, EmitEvent as Emits } from 'nestjs-event-tracking';
      const Both = () => applyDecorators(EmitEvent('applied'));
      export class Courses {
        @EmitEvent('first') @Emits('second', { on: 'error' }) @Both() enrol() {}
        @EmitEvent<[id: string], void>('third') leave(_: string) {}
      }`,
    names: ['applied', 'first', 'second', 'third'],
  },
  {
    what: 'nothing, if the emitter is not of this library',
    code: `import { EventEmitter } from 'node:events';
      const emitter = new EventEmitter(); emitter.emit('no event of ours');
      class Tracker { emit(_: string) {} } new Tracker().emit('of another tracker');
      function emit(_: string) {} emit('of another emit');
      // tracker.emit('in a comment')
      export const text = "tracker.emit('in a text')";`,
    names: [],
  },
];

const NAMES: Case[] = [
  {
    what: 'a literal of any kind',
    code: `${TRACKER} tracker.emit('single'); tracker.emit("double"); tracker.emit(\`backticks\`);`,
    names: ['backticks', 'double', 'single'],
  },
  {
    what: 'a missing name',
    code: `${TRACKER} tracker.emit(); tracker.emit(''); tracker.emit(undefined);`,
    names: ['unknown', 'unknown', 'unknown'],
  },
  {
    what: 'constants of this and other files',
    code: `${TRACKER} import { CLOSED, Events, NAMES } from './place.js';
      const OPENED: string = 'opened';
      tracker.emit(OPENED); tracker.emit(CLOSED); tracker.emit(NAMES.read); tracker.emit(Events.Left);`,
    names: ['closed', 'left', 'opened', 'read'],
  },
  {
    what: 'every member of an enum and of a list',
    code: `${TRACKER} import { Events, LIST } from './place.js';
      export function report(event: Events) { tracker.emit(event); }
      for (const name of LIST) tracker.emit(name);
      tracker.emit(...LIST);`,
    names: ['joined', 'left', 'one', 'one', 'two'],
  },
  {
    what: 'templates and concatenations of constants',
    code: `${TRACKER}
      const PREFIX = 'course'; const SUFFIX = \`\${PREFIX}.sold\`;
      class Names { static readonly LEFT: string = PREFIX + '.left'; }
      export function report(what: 'began' | 'ended') { tracker.emit(\`\${PREFIX}.\${what}\`); }
      tracker.emit(SUFFIX); tracker.emit(Names.LEFT); tracker.emit(PREFIX + '.sum');`,
    names: ['course.began', 'course.ended', 'course.left', 'course.sold', 'course.sum'],
  },
  {
    what: 'each name of a union',
    code: `${TRACKER}
      export function report(name: 'a' | 'b', isC: boolean) {
        tracker.emit(name); tracker.emit(isC ? 'c' : 'd'); tracker.emit((isC ? 'e' : 'f') as string);
      }
      interface Known { g: object; h: object }
      export function known<Name extends keyof Known>(name: Name) { tracker.emit(name); }`,
    names: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'],
  },
  {
    what: 'event types, as values and as types',
    code: `import { defineEvent, EmitEvent, Tracker, type EventType } from 'nestjs-event-tracking';
      import { Sold } from './place.js';
      declare const tracker: Tracker;
      const Bought = defineEvent('bought', { description: '', fields: { price: { description: '', type: 'number' } } });
      const Lost: EventType = defineEvent('lost', { description: '' });
      export function report(either: typeof Sold | EventType<'given'>) { tracker.emit(either); }
      tracker.emit(Bought, { price: 1 }); tracker.emit(Lost);
      export class Shop { @EmitEvent(Sold) sell() {} }`,
    names: ['bought', 'given', 'lost', 'sold', 'sold'],
  },
  {
    what: 'dynamic names, with the names that are known',
    code: `${TRACKER}
      let changing = 'changing'; const names = { writable: 'writable' };
      export function report(name: string, rest: string[], some: 'some' | (string & {})) {
        tracker.emit(name); tracker.emit(\`course.\${name}\`); tracker.emit(changing);
        tracker.emit(names.writable); tracker.emit(...rest); tracker.emit(some);
        changing = name;
      }`,
    names: ['some'],
    dynamic: 6,
  },
];

const PLACE = `
  import { defineEvent, Tracker } from 'nestjs-event-tracking';
  export const place = { tracker: new Tracker() };
  export const CLOSED = 'closed';
  export const NAMES = { read: 'read' } as const;
  export const LIST = ['one', 'two'] as const;
  export enum Events { Joined = 'joined', Left = 'left' }
  export const Sold = defineEvent('sold', { description: '' });
`;

describe.each([
  { of: 'Discovery finds calls by their types', cases: CALLS },
  { of: 'Discovery resolves names by types and constants', cases: NAMES },
])('$of:', ({ cases }) => {
  let project: NestProject;
  let found: Discovery;

  beforeAll(async () => {
    const files = cases.map(({ code }, index) => [`case-${index}.ts`, `${code}\nexport {};`]);
    project = await NestProject.of({ ...Object.fromEntries(files), 'place.ts': PLACE });
    found = await discovery(project.directory);
  }, 120_000);

  afterAll(() => project[Symbol.asyncDispose]());

  it.each(cases.map((each, index) => ({ ...each, file: `case-${index}.ts` })))(
    '$what',
    ({ file, names, dynamic = 0 }) => {
      const emitted = found.emitted.flatMap(({ name, places }) =>
        places.filter((place) => place.file === file).map(() => name),
      );
      expect(emitted).toEqual(names);
      expect(found.dynamic.filter((place) => place.file === file)).toHaveLength(dynamic);
    },
  );
});

const TYPES = `
  import { defineEvent } from 'nestjs-event-tracking/core';
  export const Bought = defineEvent('bought', { description: 'Paid.' });
  export const Sold = defineEvent('sold', { description: 'Given.' });
`;

describe('Discovery', { timeout: 60_000 }, () => {
  let project: NestProject;

  const projectOf = async (files: Record<string, string>): Promise<string> => {
    project = await NestProject.of(files);
    return project.directory;
  };

  const catalogueOf = (...names: string[]): string =>
    JSON.stringify({
      records: [
        ...names.map((name) => ({ id: name, kind: 'event', name, description: '', fields: [] })),
        { id: 'page', kind: 'context', name: 'page', description: '', fields: [] },
      ],
    });

  afterEach(() => project[Symbol.asyncDispose]());

  it('succeeds if the code emits exactly the event types that it declares', async () => {
    const directory = await projectOf({
      'types.ts': TYPES,
      'shop.ts': `${TRACKER} import { Sold } from './types.js';
        tracker.emit('bought'); tracker.emit(Sold); tracker.emit('sold');`,
    });
    const { code, output } = await discover(directory);
    expect(output).toBe(
      '2 names emitted at 3 places. They match the catalogue, the event types that the code declares.\n',
    );
    expect(code).toBe(0);
  });

  it('reports every difference with its locations', async () => {
    const directory = await projectOf({
      'types.ts': TYPES,
      'shop.ts': `${TRACKER}\ntracker.emit('bougth');\nexport const report = (name: string) => tracker.emit(name);`,
    });
    const { code, output } = await discover(directory);
    expect(output).toBe(
      [
        'Emitted, but not in the catalogue. Describe the event type or correct the name:',
        '  bougth',
        '    shop.ts:2:14',
        '',
        'In the catalogue, but never emitted, unless under a dynamic name:',
        '  bought',
        '    types.ts:3:37',
        '  sold',
        '    types.ts:4:35',
        '',
        'Dynamic: the name is known only at run time. Use a literal, a constant or a union of literals:',
        '  shop.ts:3:54  tracker.emit(name)',
        '',
        '1 name emitted at 1 place. Compared with the catalogue, the event types that the code declares: ' +
          '1 not in the catalogue, 2 never emitted, 1 dynamic call.',
        '',
      ].join('\n'),
    );
    expect(code).toBe(1);
  });

  it('treats types that are registered by name as declared', async () => {
    const directory = await projectOf({
      'shop.ts': `${TRACKER}
        tracker.register('bought', 'Paid.', { price: 'In cents.' }); tracker.register('sold', 'Given.', {});
        tracker.emit('bought');`,
    });
    const { notInCatalogue, neverEmitted } = await discovery(directory);
    expect(notInCatalogue).toEqual([]);
    expect(namesOf(neverEmitted)).toEqual(['sold']);
  });

  it('reports declared types with dynamic names', async () => {
    const directory = await projectOf({
      'shop.ts': `import { defineEvent } from 'nestjs-event-tracking/core';
        export const typeOf = (name: string) => defineEvent(name, { description: '' });`,
      'catalogue.json': catalogueOf(),
    });
    expect((await discovery(directory)).dynamic).toMatchObject([{ call: 'defineEvent' }]);
    expect((await discovery(directory, '--catalogue', 'catalogue.json')).dynamic).toEqual([]);
  });

  it('treats names of emitted event types as described, wherever they are declared', async () => {
    const directory = await projectOf({
      'node_modules.d.ts': `declare module 'shared' {
        export const Sold: import('nestjs-event-tracking/core').EventType<'sold'>; }`,
      'shop.ts': `${TRACKER} import { Sold } from 'shared'; tracker.emit(Sold);`,
    });
    const { emitted, notInCatalogue } = await discovery(directory);
    expect(namesOf(emitted)).toEqual(['sold']);
    expect(notInCatalogue).toEqual([]);
  });

  it('compares only with the catalogue if one is given', async () => {
    const directory = await projectOf({
      'types.ts': TYPES,
      'shop.ts': `${TRACKER} tracker.emit('bought'); tracker.emit('left');`,
      'catalogue.json': catalogueOf('left', 'sold', 'returned'),
    });
    const found = await discovery(directory, '--catalogue', 'catalogue.json');
    expect(namesOf(found.notInCatalogue)).toEqual(['bought']);
    expect(found.neverEmitted).toEqual([
      { name: 'returned', places: [] },
      { name: 'sold', places: [{ file: 'types.ts', line: 4, column: 35 }] },
    ]);
  });

  it('searches all referenced projects, built or not, and each file once', async () => {
    const reference = (path: string) => JSON.stringify({ files: [], references: [{ path }] });
    const part = (include: string) => JSON.stringify({ extends: './tsconfig.json', include });
    const directory = await projectOf({
      'all/tsconfig.json': reference('../both.json'),
      'both.json': JSON.stringify({
        extends: './tsconfig.json',
        files: ['shop.ts'],
        references: [{ path: './tsconfig.part.json' }],
      }),
      'tsconfig.part.json': part('part/*.ts').replace(/"include":(".*")/, '"include":[$1]'),
      'shop.ts': `${TRACKER} import './part/part.js'; tracker.emit('whole');`,
      'part/part.ts': `${TRACKER} tracker.emit('part');`,
    });
    const { emitted } = await discovery(directory, '--project', 'all');
    expect(emitted.map(({ name, places }) => [name, places.length])).toEqual([
      ['part', 1],
      ['whole', 1],
    ]);
  });

  it('reports calls of emit on untyped values, but not as a difference', async () => {
    const directory = await projectOf({
      'shop.ts': `import 'nestjs-event-tracking/core'; declare const anything: any;\nanything.emit('perhaps');`,
    });
    const { code, output } = await discover(directory);
    expect(output).toMatch(/Skipped: calls of emit on values of type any\..*\n {2}shop\.ts:2:10\n/);
    expect(code).toBe(0);
  });
});

it('Discovery finds every event of the example application', { timeout: 60_000 }, async () => {
  const { emitted, dynamic, untyped } = await discovery(ROOT, '--project', 'tsconfig.app.json');
  expect(namesOf(emitted)).toEqual([
    'access.denied',
    'course.closed',
    'course.enrolled',
    'course.enrolment_refused',
    'course.viewed',
    'enrolment.reminder_sent',
    'page.missing',
  ]);
  expect([dynamic, untyped]).toEqual([[], []]);
});

describe('The compiler', { timeout: 60_000 }, () => {
  let directory: string;

  /** Runs discovery in a project with its own copy of the library and, optionally, a compiler. */
  async function installed(typescript?: string): Promise<Run> {
    directory = await realpath(await mkdtemp(join(tmpdir(), 'compiler-')));
    const modules = join(directory, 'node_modules');
    const library = join(modules, 'nestjs-event-tracking');
    await mkdir(library, { recursive: true });
    await cp(join(LIBRARY, 'dist'), join(library, 'dist'), { recursive: true });
    await cp(join(LIBRARY, 'package.json'), join(library, 'package.json'));
    if (typescript !== undefined) await symlink(typescript, join(modules, 'typescript'), 'dir');
    await writeFile(join(directory, 'shop.ts'), `${TRACKER} tracker.emit('bought');`);
    await writeFile(
      join(directory, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: { module: 'nodenext', target: 'es2022' } }),
    );
    return runNode([join(library, 'dist/cli/main.js'), 'discover', '--json'], { cwd: directory });
  }

  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('may be TypeScript 5', async () => {
    const attw = createRequire(join(ROOT, 'node_modules/@arethetypeswrong/core/package.json'));
    const manifest = attw.resolve('typescript/package.json');
    expect((attw(manifest) as { version: string }).version).toMatch(/^5\./);
    const { output } = await installed(dirname(manifest));
    expect(namesOf((JSON.parse(output) as Discovery).emitted)).toEqual(['bought']);
  });

  it('is required if it is not installed', async () => {
    const { code, output } = await installed();
    expect(output).toMatch(/discover needs the package typescript: npm install typescript\./);
    expect(code).toBe(2);
  });

  it('is required in another version if it has no API', async () => {
    const compiler = await mkdtemp(join(tmpdir(), 'typescript-'));
    await writeFile(join(compiler, 'package.json'), JSON.stringify({ main: 'index.js' }));
    await writeFile(join(compiler, 'index.js'), `module.exports = { version: '7.0.0' };`);
    const { code, output } = await installed(compiler);
    await rm(compiler, { recursive: true });
    expect(output).toMatch(/TypeScript 7\.0\.0 has no compiler API\. .* typescript@6\./);
    expect(code).toBe(2);
  });
});

describe('An invalid command line of discover', { timeout: 60_000 }, () => {
  let project: NestProject;

  beforeAll(async () => {
    project = await NestProject.of({
      'stranger.ts': `export const nothing = 1;`,
      'tsconfig.broken.json': `{ "compilerOptions": { "module": "no such module" } }`,
      'list.json': `[]`,
      'text.json': `records`,
    });
  });

  afterAll(() => project[Symbol.asyncDispose]());

  it.each([
    [['--project', 'no.json'], /--project: no file 'no\.json'\. Pass the tsconfig\.json/],
    [['--project', 'tsconfig.broken.json'], /cannot read .*tsconfig\.broken\.json\. .*'--module'/],
    [[], /--project: no file of tsconfig\.json imports nestjs-event-tracking/],
    [['--catalogue', 'no.json'], /--catalogue: cannot read no\.json\. .*ENOENT/],
    [['--catalogue', 'text.json'], /--catalogue: cannot read text\.json\. SyntaxError/],
    [['--catalogue', 'list.json'], /list\.json must contain { "records": \[/],
    [['--app', 'dist/app.module.js'], /discover: --app is not supported\..* --catalogue/],
    [['src'], /discover: unexpected argument 'src'/],
  ])('%j is rejected with the reason and code 2', async (args, message) => {
    const { code, output } = await discover(project.directory, ...args);
    expect(output).toMatch(message);
    expect(code).toBe(2);
  });
});
