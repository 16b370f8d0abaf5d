import { parseArgs } from 'node:util';
import { CATALOGUE_FORMATS, type CatalogueFormat } from '../../catalogue/catalogue-files.js';
import { describeError } from '../../core/diagnostics/describe.js';
import { UsageError } from '../usage-error.js';

export const CATALOGUE_USAGE = `event-tracking catalogue: document the event types of an application

  npx event-tracking catalogue --app <module> --out <directory> [--from <source>]… [options]

  --app <module>            The compiled module of the application: dist/app.module.js or dist/app.js#AppModule.
                            It starts without HTTP, and its trackers provide the event types
  --out <directory>         The output directory; versions in an existing catalogue.json are kept
  --from <source>           More records, of earlier versions or other applications (repeatable):
                              <file>.json             a catalogue.json
                              <file>, -               a log of lines of JSON, some of them {"metadata_record": {…}}
                              mongodb://…/<database>  a collection; set --collection <name> unless it is 'event_types'
  --format <formats>        A comma-separated list of ${CATALOGUE_FORMATS.join(', ')} (default: all)
  --title <title>           The title of the catalogue
  --lint                    Check names and descriptions, and exit with 1 if there is a problem
  --namespace <name>        For --lint: a namespace of the application, such as 'course' (repeatable)
`;

export interface CatalogueCommandOptions {
  app?: string;
  out: string;
  from: readonly string[];
  collection: string;
  formats: readonly CatalogueFormat[];
  title?: string;
  lint: boolean;
  namespaces: readonly string[];
}

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  app: { type: 'string' },
  out: { type: 'string' },
  from: { type: 'string', multiple: true },
  collection: { type: 'string' },
  format: { type: 'string', multiple: true },
  title: { type: 'string' },
  lint: { type: 'boolean' },
  namespace: { type: 'string', multiple: true },
} as const;

/**
 * Parses and checks the command line of `catalogue`.
 *
 * @returns undefined if help is requested
 * @throws {@link UsageError} if it is invalid
 */
export function readCatalogueOptions(args: readonly string[]): CatalogueCommandOptions | undefined {
  const { app, out, from = [], title, namespace = [], ...values } = parse(args);
  if (values.help === true) return undefined;
  if (out === undefined) {
    throw new UsageError('catalogue: --out must name the output directory, such as docs/events.');
  }
  if (app === undefined && from.length === 0) {
    throw new UsageError(
      `catalogue: --app must name the application's module, such as dist/app.module.js, or --from a source of records.`,
    );
  }
  return {
    ...(app === undefined ? {} : { app }),
    out,
    from,
    collection: values.collection ?? 'event_types',
    formats: formatsOf(values.format),
    ...(title === undefined ? {} : { title }),
    lint: values.lint === true,
    namespaces: namespace,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    throw new UsageError(
      `catalogue: ${describeError(error).replace(/^TypeError(?: \[\w+\])?: /, '')}`,
    );
  }
}

function formatsOf(values: readonly string[] | undefined): readonly CatalogueFormat[] {
  if (values === undefined) return CATALOGUE_FORMATS;
  return values
    .flatMap((value) => value.split(','))
    .map((name) => {
      const format = CATALOGUE_FORMATS.find((each) => each === name.trim());
      if (format !== undefined) return format;
      throw new UsageError(
        `catalogue: --format must be one of ${CATALOGUE_FORMATS.join(', ')}; received '${name}'.`,
      );
    });
}
