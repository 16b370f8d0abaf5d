import { existsSync, readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';

const PACKAGE = fileURLToPath(new URL('../libs/event-tracking', import.meta.url));
const MANIFEST = join(PACKAGE, 'package.json');
const VERSION_MODULE = join(PACKAGE, 'src/core/tracker/version.ts');

/** The rooms that applications can import: those with an index. The root is the empty name. */
export function entryNames() {
  const rooms = readdirSync(join(PACKAGE, 'src')).filter((name) =>
    existsSync(join(PACKAGE, 'src', name, 'index.ts')),
  );
  return ['', ...rooms.sort()];
}

/**
 * Returns a manifest whose fields describe all entries:
 *
 * - `exports`, in the order that resolvers prefer. Node.js and bundlers load the ES modules, also
 *   from CommonJS, so that a process or bundle has one copy. Test runners that evaluate modules
 *   themselves load CommonJS from CommonJS.
 * - `main`, `types` and `typesVersions` for resolvers that do not read `exports`, such as TypeScript
 *   with `moduleResolution: node`.
 */
export function withEntries(manifest) {
  const names = entryNames();
  const fields = {
    main: './dist/cjs/index.js',
    types: './dist/cjs/index.d.ts',
    typesVersions: {
      '*': Object.fromEntries(
        names.filter(Boolean).map((name) => [name, [`./dist/cjs/${name}/index.d.ts`]]),
      ),
    },
    exports: {
      ...Object.fromEntries(names.map((name) => [name === '' ? '.' : `./${name}`, targets(name)])),
      './package.json': './package.json',
    },
  };
  const others = Object.entries(manifest).filter(([key]) => !(key in fields));
  const at = others.findIndex(([key]) => key === 'peerDependencies');
  return Object.fromEntries(others.toSpliced(at, 0, ...Object.entries(fields)));
}

function targets(name) {
  const index = name === '' ? 'index' : `${name}/index`;
  const module = `./dist/${index}.js`;
  return {
    'event-tracking-source': `./src/${index}.ts`,
    'module-sync': module,
    bun: module,
    deno: module,
    module,
    import: { types: `./dist/${index}.d.ts`, default: module },
    require: { types: `./dist/cjs/${index}.d.ts`, default: `./dist/cjs/${index}.js` },
    default: module,
  };
}

/** Returns the text of the module that holds the version. */
export function versionModule({ version }) {
  return `// Generated from package.json by tools/package-entries.mjs.\nexport const VERSION = '${version}';\n`;
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const manifest = JSON.parse(await readFile(MANIFEST, 'utf8'));
  await update(MANIFEST, `${JSON.stringify(withEntries(manifest), null, 2)}\n`);
  await update(VERSION_MODULE, versionModule(manifest));
}

/** Leaves a current file alone, so that nothing watches it change. */
async function update(file, text) {
  if ((await readFile(file, 'utf8').catch(() => '')) !== text) await writeFile(file, text);
}
