// Compares the public surface of every entry with its report in etc/; `--update` rewrites the reports.
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';
import { PACKAGE_FOLDER, publicEntries, ROOT } from './public-entries.mjs';

const update = process.argv.includes('--update');
const reports = join(ROOT, 'etc');
const QUIET = { logLevel: 'none' };

mkdirSync(reports, { recursive: true });
const changed = publicEntries.filter((entry) => !reportOf(entry));
const expected = publicEntries.map(({ file }) => `${file}.api.md`);
const stale = readdirSync(reports).filter(
  (name) => name.endsWith('.api.md') && !expected.includes(name),
);

if (update) {
  for (const name of stale) rmSync(join(reports, name));
  console.log(`${publicEntries.length} API reports are up to date in etc/.`);
} else if (changed.length + stale.length > 0) {
  for (const { specifier, file } of changed) {
    console.error(`${specifier}: the public API differs from etc/${file}.api.md`);
  }
  for (const name of stale) console.error(`etc/${name}: package.json exports no such entry`);
  console.error('Run `npm run api:update`, and review the difference as part of your change.');
  process.exitCode = 1;
} else {
  console.log(`${publicEntries.length} API reports match the built package.`);
}

/** Writes or compares the report of one entry; returns whether it is as the reports have it. */
function reportOf({ specifier, file, types }) {
  if (!existsSync(types))
    throw new Error(`${specifier}: build the library first, ${types} is missing.`);
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: PACKAGE_FOLDER,
      mainEntryPointFilePath: types,
      newlineKind: 'lf',
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: 'es2022',
            lib: ['es2023', 'esnext.disposable'],
            module: 'nodenext',
            moduleResolution: 'nodenext',
            types: ['node'],
            strict: true,
            skipLibCheck: true,
            experimentalDecorators: true,
          },
          files: [types],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: `${file}.api.md`,
        reportFolder: reports,
        reportTempFolder: join(reports, 'temp'),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      messages: {
        compilerMessageReporting: { default: QUIET },
        extractorMessageReporting: { default: QUIET },
        tsdocMessageReporting: { default: QUIET },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(PACKAGE_FOLDER, 'package.json'),
  });
  const { succeeded, apiReportChanged } = Extractor.invoke(config, {
    localBuild: update,
    messageCallback: (message) => {
      if (message.logLevel === 'error') console.error(message.text);
      message.handled = true;
    },
  });
  return succeeded && !apiReportChanged;
}
