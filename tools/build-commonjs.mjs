// Compiles everything that the package's entries load to CommonJS, into dist/cjs.
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { entryNames } from './package-entries.mjs';

const PACKAGE = fileURLToPath(new URL('../libs/event-tracking', import.meta.url));
const SOURCES = join(PACKAGE, 'src');
const MODULES = join(PACKAGE, 'dist');
const TARGET = join(MODULES, 'cjs');
const HOST = {
  getCanonicalFileName: (name) => name,
  getCurrentDirectory: () => PACKAGE,
  getNewLine: () => '\n',
};

const { config } = ts.readConfigFile(join(PACKAGE, 'tsconfig.lib.json'), ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, PACKAGE);

await rm(TARGET, { recursive: true, force: true });
const files = await reachableFiles(entryNames().map((name) => join(SOURCES, name, 'index.ts')));
await Promise.all([...files].map(([file, text]) => emit(file, text)));
await writeFile(join(TARGET, 'package.json'), `${JSON.stringify({ type: 'commonjs' })}\n`);

/** Follows the imports of the package's own files, also those of types. */
async function reachableFiles(entries) {
  const found = new Map();
  const visit = async (file) => {
    if (found.has(file)) return;
    found.set(file, '');
    const text = await readFile(file, 'utf8');
    found.set(file, text);
    const imported = ts.preProcessFile(text).importedFiles.map(({ fileName }) => fileName);
    const own = imported.filter((name) => name.startsWith('.'));
    await Promise.all(own.map((name) => visit(join(dirname(file), name.replace(/js$/, 'ts')))));
  };
  await Promise.all(entries.map(visit));
  return found;
}

async function emit(file, text) {
  const name = relative(SOURCES, file).replace(/\.ts$/, '');
  const target = join(TARGET, name);
  await mkdir(dirname(target), { recursive: true });
  const { outputText, sourceMapText, diagnostics } = ts.transpileModule(text, {
    // The suffix makes the compiler write CommonJS, and leave `import()` as it is.
    fileName: file.replace(/ts$/, 'cts'),
    compilerOptions: {
      ...options,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      verbatimModuleSyntax: false,
    },
    reportDiagnostics: true,
    transformers: { before: [replaceImportMeta] },
  });
  if (diagnostics.length > 0) throw new Error(ts.formatDiagnostics(diagnostics, HOST));
  const map = JSON.parse(sourceMapText);
  map.file = `${name.split('/').at(-1)}.js`;
  map.sources = [relative(dirname(target), file)];
  await writeFile(`${target}.js`, outputText.replace(/\.cjs\.map\s*$/, '.js.map\n'));
  await writeFile(`${target}.js.map`, JSON.stringify(map));
  await copyDeclarations(name, target);
}

async function copyDeclarations(name, target) {
  const source = join(MODULES, name);
  await writeFile(`${target}.d.ts`, await readFile(`${source}.d.ts`));
  if (!existsSync(`${source}.d.ts.map`)) return;
  const map = JSON.parse(await readFile(`${source}.d.ts.map`, 'utf8'));
  map.sources = map.sources.map((path) => `../${path}`);
  await writeFile(`${target}.d.ts.map`, JSON.stringify(map));
}

/** Writes `import.meta.url` in terms of CommonJS. */
function replaceImportMeta({ factory }) {
  const isUrl = (node) =>
    ts.isPropertyAccessExpression(node) &&
    ts.isMetaProperty(node.expression) &&
    node.name.text === 'url';
  const fileUrl = () =>
    factory.createPropertyAccessExpression(
      factory.createCallExpression(
        factory.createPropertyAccessExpression(
          factory.createCallExpression(factory.createIdentifier('require'), undefined, [
            factory.createStringLiteral('node:url'),
          ]),
          'pathToFileURL',
        ),
        undefined,
        [factory.createIdentifier('__filename')],
      ),
      'href',
    );
  return (source) => {
    const visit = (node) => (isUrl(node) ? fileUrl() : ts.visitEachChild(node, visit, undefined));
    return ts.visitNode(source, visit);
  };
}
