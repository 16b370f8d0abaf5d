import { parseArgs } from 'node:util';
import { CATALOGUE_FORMATS, type CatalogueFormat } from '../../catalogue/catalogue-files.js';
import { describeError } from '../../core/diagnostics/describe.js';
import { UsageError } from '../usage-error.js';

export const CATALOGUE_USAGE = `event-tracking catalogue: documents the event types of an application

  npx event-tracking catalogue --app <module> --out <directory> [--from <source>]… [options]

  --app <module>            the application's module, compiled: dist/app.module.js, or dist/app.js#AppModule. It is started
                            without HTTP, and its trackers say which types there are
  --out <directory>         where the files go; versions that its catalogue.json knows are kept
  --from <source>           further records, of earlier versions or of other applications; as often as there are sources:
                              <file>.json             a catalogue.json
                              <file>, -               a log, as lines of JSON, some of them {"metadata_record": {…}}
                              mongodb://…/<database>  a collection: --collection <name>, 'event_types' if it is not given
  --format <formats>        some of ${CATALOGUE_FORMATS.join(', ')}, with commas between; all, if it is not given
  --title <title>           what the catalogue is called
  --lint                    says which names and descriptions are not as they should be, and fails when there are any
  --namespace <name>        for --lint: a namespace of the application's own, such as 'course'; as often as there are some
`;

/** What is to be documented, and how. */
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
 * Reads the command line of `catalogue`.
 *
 * @returns nothing where help is asked for
 * @throws {@link UsageError} for what is no such command line
 */
export function readCatalogueOptions(args: readonly string[]): CatalogueCommandOptions | undefined {
  const { app, out, from = [], title, namespace = [], ...values } = parse(args);
  if (values.help === true) return undefined;
  if (out === undefined) {
    throw new UsageError('catalogue: --out names the directory of the files, such as docs/events.');
  }
  if (app === undefined && from.length === 0) {
    throw new UsageError(
      `catalogue: --app names the application's module, such as dist/app.module.js; or --from where records are.`,
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
    throw new UsageError(`catalogue: ${describeError(error).replace(/^TypeError: /, '')}`);
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
        `catalogue: --format knows ${CATALOGUE_FORMATS.join(', ')}; received '${name}'.`,
      );
    });
}
