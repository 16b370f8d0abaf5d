import { parseArgs } from 'node:util';
import { describeError } from '../core/diagnostics/describe.js';
import { readMoment } from './moment.js';
import { UsageError } from './usage-error.js';

export const USAGE = `event-tracking: events that could not be delivered, and events that code emits

  npx event-tracking list    --from <source> [filters] [--json]     what is there
  npx event-tracking inspect --from <source> <id>                   one event, whole
  npx event-tracking replay  --from <source> --app <module> [filters] [--target <path>] [--rate <n>] [--dry-run]
                                                                    delivers again, and removes what was delivered
  npx event-tracking purge   --from <source> [filters | --all] [--dry-run]
                                                                    removes for good
  npx event-tracking discover [--project <tsconfig>] [--catalogue <file>] [--json]
                                                                    what the code emits, and what is described
  npx event-tracking catalogue --app <module> --out <directory>     documents the event types; see catalogue --help

Sources
  <directory>               of a DiskEventQueue
  <file>, -                 events as lines of JSON, such as a log; - is the standard input. Nothing is removed from it
  redis://…, rediss://…     a BullMqEventQueue: --queue <name> and --prefix <prefix> where they are not the default
  mongodb://…/<database>    a collection of dead letters: --collection <name>, 'dead_letters' if it is not given

Filters
  --tracker <name>          of the tracker
  --path <path>             given up by this backend, or by one below this node
  --name <name>             of the event; * stands for anything: --name 'course.*'
  --since <moment>          emitted since then: 2026-05-06, 2026-05-06T07:08:09Z, or 90s, 15m, 2h, 7d ago

Replay
  --app <module>            the application's module, compiled: dist/app.module.js, or dist/app.js#AppModule. It is started
                            without HTTP, and its trackers deliver
  --target <path>           the backend or node that gets all events, whoever had given them up; for logs, say it
  --rate <n>                events a second, at most
  --dry-run                 says what would be done

Discover
  --project <tsconfig>      of the application: tsconfig.json if it is not given
  --catalogue <file>        the event types, a JSON document with their records; if it is not given, those that the code declares
`;

/** Which events are meant. */
export interface Filters {
  tracker?: string;
  path?: string;
  name?: string;
  since?: Date;
}

/** What somebody wants done. */
export interface CommandLine {
  command: 'help' | 'list' | 'inspect' | 'replay' | 'purge' | 'discover';
  /** The id of an event. */
  id: string;
  from: string;
  queue?: string;
  prefix?: string;
  collection: string;
  filters: Filters;
  json: boolean;
  all: boolean;
  app: string;
  target?: string;
  rate: number;
  dryRun: boolean;
  /** The tsconfig.json of the code to search. */
  project: string;
  /** A JSON document of metadata records. */
  catalogue?: string;
}

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  from: { type: 'string' },
  queue: { type: 'string' },
  prefix: { type: 'string' },
  collection: { type: 'string' },
  tracker: { type: 'string' },
  path: { type: 'string' },
  name: { type: 'string' },
  since: { type: 'string' },
  json: { type: 'boolean' },
  all: { type: 'boolean' },
  app: { type: 'string' },
  target: { type: 'string' },
  rate: { type: 'string' },
  'dry-run': { type: 'boolean' },
  project: { type: 'string' },
  catalogue: { type: 'string' },
} as const;
const COMMANDS = ['list', 'inspect', 'replay', 'purge', 'discover'] as const;

/** @throws {@link UsageError} for what is no command line of ours */
export function readCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = parse(args);
  const [name, id = '', ...others] = positionals;
  const command = COMMANDS.find((each) => each === name);
  const line: CommandLine = {
    command: command ?? 'help',
    id,
    from: values.from ?? '',
    ...(values.queue === undefined ? {} : { queue: values.queue }),
    ...(values.prefix === undefined ? {} : { prefix: values.prefix }),
    collection: values.collection ?? 'dead_letters',
    filters: filtersOf(values),
    json: values.json === true,
    all: values.all === true,
    app: values.app ?? '',
    ...(values.target === undefined ? {} : { target: values.target }),
    rate: rateOf(values.rate),
    dryRun: values['dry-run'] === true,
    project: values.project ?? 'tsconfig.json',
    ...(values.catalogue === undefined ? {} : { catalogue: values.catalogue }),
  };
  if (values.help === true || name === undefined || name === 'help') {
    return { ...line, command: 'help' };
  }
  if (command === undefined) {
    throw new UsageError(`'${name}' is no command. There are: ${COMMANDS.join(', ')}, catalogue.`);
  }
  check(line, others);
  return line;
}

function check(line: CommandLine, others: readonly string[]): void {
  const { command, id, from, app, filters, all } = line;
  if (from === '' && command !== 'discover') {
    throw new UsageError(
      `${command}: --from says where the events are: a directory, a file, redis://… or mongodb://….`,
    );
  }
  if (command === 'inspect' && id === '') throw new UsageError(`inspect: which event? Add its id.`);
  const stray = command === 'inspect' ? others[0] : [id, ...others].find((each) => each !== '');
  if (stray !== undefined) {
    throw new UsageError(`${command}: nothing is known to be done with '${stray}'.`);
  }
  if (command === 'discover' && app !== '') {
    throw new UsageError(
      `discover: it starts no application. Write the application's catalogue to a file, and name it by --catalogue.`,
    );
  }
  if (command === 'replay' && app === '' && !line.dryRun) {
    throw new UsageError(
      `replay: --app names the application's module, whose trackers deliver, such as dist/app.module.js.`,
    );
  }
  if (command === 'purge' && Object.keys(filters).length === 0 && !all) {
    throw new UsageError(
      `purge: this would remove everything. Say which by --tracker, --path, --name or --since, or --all.`,
    );
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(describeError(error).replace(/^TypeError: /, ''));
  }
}

function filtersOf(values: ReturnType<typeof parse>['values']): Filters {
  const { tracker, path, name, since } = values;
  return {
    ...(tracker === undefined ? {} : { tracker }),
    ...(path === undefined ? {} : { path }),
    ...(name === undefined ? {} : { name }),
    ...(since === undefined ? {} : { since: readMoment(since) }),
  };
}

function rateOf(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const rate = Number(text);
  if (rate > 0) return rate;
  throw new UsageError(`--rate is a number of events a second, above 0; received '${text}'.`);
}
