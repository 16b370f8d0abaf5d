import { parseArgs } from 'node:util';
import { describeError } from '../core/diagnostics/describe.js';
import type { Filters } from './filters.js';
import { readMoment } from './moment.js';
import { UsageError } from './usage-error.js';

export const USAGE = `event-tracking: inspect and replay undelivered events, and document the events of an application

  npx event-tracking list    --from <source> [filters] [--json]     List events
  npx event-tracking inspect --from <source> <id>                   Print one event in full
  npx event-tracking replay  --from <source> --app <module> [filters] [--target <path>] [--rate <n>] [--dry-run]
                                                                    Deliver events again and remove delivered dead letters
  npx event-tracking purge   --from <source> [filters | --all] [--dry-run]
                                                                    Remove dead letters permanently
  npx event-tracking discover [--project <tsconfig>] [--catalogue <file>] [--json]
                                                                    Compare the events that code emits with a catalogue
  npx event-tracking catalogue --app <module> --out <directory>     Document the event types; see catalogue --help

Sources
  <directory>               The directory of a DiskEventQueue
  <file>, -                 A log of events as lines of JSON, which is never changed; - reads the standard input.
                            It may be compressed with gzip, a JSON array, lines of pino or of Nest's logger,
                            or a tracking log of Open edX
  redis://…, rediss://…     A BullMqEventQueue; set --queue <name> and --prefix <prefix> unless they are the defaults
  mongodb://…/<database>    A collection of dead letters; set --collection <name> unless it is 'dead_letters'

Filters
  --tracker <name>          Dead letters of this tracker
  --path <path>             Dead letters of this backend, or of any backend below this node
  --name <name>             Events with this name; * matches any text: --name 'course.*'
  --since <moment>          Events emitted since: 2026-05-06, 2026-05-06T07:08:09, or 90s, 15m, 2h, 7d ago.
                            Times are UTC, unless they have an offset: 2026-05-06T07:08:09+02:00

Replay
  --app <module>            The compiled module of the application: dist/app.module.js or dist/app.js#AppModule.
                            It starts without HTTP, and its trackers deliver the events
  --target <path>           The backend or node that receives all events instead of the original ones; required for logs
  --rate <n>                The maximum number of events per second
  --dry-run                 Print the changes without making them

Exit codes
  0                         Everything was read and done
  1                         Something could not be read or done; the number of problems is printed
  2                         The command line is invalid

Discover
  --project <tsconfig>      The project to search (default: tsconfig.json)
  --catalogue <file>        A JSON document with the records of the event types, such as the catalogue.json of the command
                            catalogue (default: the event types that the code declares)
`;

export interface CommandLine {
  command: 'help' | 'list' | 'inspect' | 'replay' | 'purge' | 'discover';
  /** The event to inspect. */
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
  /** The file to compare the code with. */
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

/**
 * Parses and checks a command line.
 *
 * @throws {@link UsageError} if it is invalid
 */
export function readCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = parse(args);
  const [name, id = '', ...others] = positionals;
  const command = COMMANDS.find((each) => each === name);
  const options: CommandLine = {
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
    return { ...options, command: 'help' };
  }
  if (command === undefined) {
    throw new UsageError(`unknown command '${name}'; commands: ${COMMANDS.join(', ')}, catalogue.`);
  }
  check(options, others);
  return options;
}

function check(options: CommandLine, others: readonly string[]): void {
  const { command, id, from, app, filters, all, dryRun } = options;
  if (from === '' && command !== 'discover') {
    throw new UsageError(
      `${command}: --from must name the source of the events: a directory, a file, redis://… or mongodb://….`,
    );
  }
  if (command === 'inspect' && id === '')
    throw new UsageError(`inspect: the id of the event is missing.`);
  const unexpected =
    command === 'inspect' ? others[0] : [id, ...others].find((each) => each !== '');
  if (unexpected !== undefined) {
    throw new UsageError(`${command}: unexpected argument '${unexpected}'.`);
  }
  if (command === 'discover' && app !== '') {
    throw new UsageError(
      `discover: --app is not supported. Write a catalogue of the application, and pass its catalogue.json to --catalogue.`,
    );
  }
  if (command === 'replay' && app === '' && !dryRun) {
    throw new UsageError(
      `replay: --app must name the module of the application that delivers, such as dist/app.module.js.`,
    );
  }
  if (command === 'purge' && Object.keys(filters).length === 0 && !all) {
    throw new UsageError(
      `purge: this would remove all dead letters. Add --tracker, --path, --name or --since, or confirm with --all.`,
    );
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(describeError(error).replace(/^TypeError(?: \[\w+\])?: /, ''));
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
  throw new UsageError(`--rate must be a number of events per second above 0; received '${text}'.`);
}
