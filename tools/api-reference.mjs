// Writes the API reference to docs/api: one page for each entry of the package, from its TSDoc.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Application } from 'typedoc';
import { PACKAGE_FOLDER, publicEntries, referencePage, ROOT } from './public-entries.mjs';

const out = join(ROOT, 'docs/api');
rmSync(out, { recursive: true, force: true });

const app = await Application.bootstrapWithPlugins({
  plugin: ['typedoc-plugin-markdown'],
  entryPoints: publicEntries.map(({ source }) => source),
  tsconfig: join(PACKAGE_FOLDER, 'tsconfig.lib.json'),
  basePath: join(PACKAGE_FOLDER, 'src'),
  displayBasePath: join(PACKAGE_FOLDER, 'src'),
  name: 'API reference',
  readme: 'none',
  router: 'module',
  excludeInternal: true,
  excludePrivate: true,
  disableSources: true,
  skipErrorChecking: true,
  logLevel: 'Warn',
  validation: false,
  hideBreadcrumbs: true,
  hidePageHeader: true,
  useCodeBlocks: true,
  sanitizeComments: true,
  indexFormat: 'table',
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  classPropertiesFormat: 'table',
  typeDeclarationFormat: 'table',
  enumMembersFormat: 'table',
  entryFileName: 'index',
  out,
});
const project = await app.convert();
if (project === undefined) throw new Error('TypeDoc could not read the sources.');
// The root entry is called index, as the list of all entries is.
const root = project.children.find(({ name }) => name === 'index');
root.name = referencePage('index');
await app.generateOutputs(project);
titlePages();
writeIndex();

/** Titles each page by its import specifier, which is the name that readers know. */
function titlePages() {
  for (const { specifier, page } of pages()) {
    const text = readFileSync(page, 'utf8');
    writeFileSync(page, text.replace(/^# .*$/m, `# ${specifier}`));
  }
}

function writeIndex() {
  const rows = pages().map(({ specifier, name }) => `- [\`${specifier}\`](${name}.md)`);
  const text = `# API reference

One page for each entry of the package, generated from the comments of its sources.

${rows.join('\n')}
`;
  writeFileSync(join(out, 'index.md'), text);
}

function pages() {
  return publicEntries.map(({ specifier, file }) => {
    const name = referencePage(file);
    return { specifier, name, page: join(out, `${name}.md`) };
  });
}
