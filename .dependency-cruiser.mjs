/**
 * Import rules. A room is a folder of the library's sources. It imports only the rooms and packages
 * that are listed for it.
 */

const LIBRARY = 'libs/event-tracking/src';
const room = (names) => `^${LIBRARY}/(${names.join('|')})/`;

/** The files that the rules apply to. Specs are exempt, because they import test tools. */
const sourcesOf = (name) => ({ path: `^${LIBRARY}/${name}/`, pathNot: '\\.spec\\.ts$' });

/** The rooms and packages that each room may import, in addition to itself. */
const ROOMS = {
  core: { rooms: [], packages: [] },
  processors: { rooms: ['core'], packages: [] },
  delivery: { rooms: ['core'], packages: ['rxjs'] },
  backends: { rooms: ['core'], packages: ['@nestjs/common'] },
  nest: {
    rooms: ['core', 'processors', 'delivery', 'backends'],
    packages: ['@nestjs/common', '@nestjs/core', 'nestjs-cls', 'rxjs', 'reflect-metadata'],
  },
  mongo: { rooms: ['core', 'delivery'], packages: ['@nestjs/common', 'mongoose'] },
  segment: { rooms: ['core', 'delivery'], packages: ['@segment/analytics-node'] },
  http: { rooms: ['core', 'delivery'], packages: ['undici'] },
  posthog: { rooms: ['core', 'delivery', 'http'], packages: [] },
  bullmq: { rooms: ['core', 'delivery'], packages: ['bullmq', '@nestjs/bullmq', '@nestjs/common'] },
  disk: { rooms: ['core', 'delivery'], packages: ['@nestjs/common'] },
  threads: { rooms: ['core'], packages: ['piscina', '@nestjs/common'] },
  transactional: {
    rooms: ['core'],
    packages: ['@nestjs-cls/transactional', 'nestjs-cls', '@nestjs/common'],
  },
  catalogue: { rooms: ['core'], packages: [] },
  testing: { rooms: ['core', 'delivery', 'nest'], packages: ['@nestjs/common', '@nestjs/testing'] },
};
/** The command may import every room. No room may import it. */
ROOMS.cli = {
  rooms: Object.keys(ROOMS),
  packages: ['@nestjs/common', '@nestjs/core', 'bullmq', 'mongoose', 'typescript'],
};

/**
 * The folders that the folders of a room may import, in addition to themselves and to files of the
 * room that lie in no folder. Together they leave no cycle between folders of `core`.
 */
const FOLDERS = {
  core: {
    diagnostics: [],
    event: ['diagnostics'],
    'event-types': ['diagnostics', 'event'],
    context: ['diagnostics', 'event', 'event-types'],
    tree: ['diagnostics', 'event', 'event-types'],
    tracker: ['diagnostics', 'event', 'event-types', 'context', 'tree'],
  },
  nest: {
    config: [],
    request: ['config'],
    decorators: ['config', 'request'],
    module: ['config', 'request', 'decorators'],
  },
};

/** Files that every folder of the room may import, despite that order. */
const SHARED_FILES = {
  nest: [
    'module/application',
    'decorators/copy-function-metadata',
    'decorators/owner-application',
    'decorators/subscribe-within',
  ],
};

const roomRules = Object.entries(ROOMS).map(([name, { rooms }]) => ({
  name: `${name}-imports-rooms`,
  comment: `${name} may import ${rooms.length === 0 ? 'no other room' : rooms.join(', ')}`,
  severity: 'error',
  from: sourcesOf(name),
  to: {
    path: `^${LIBRARY}/`,
    pathNot: room([name, ...rooms]),
  },
}));

const folderRules = Object.entries(FOLDERS).flatMap(([name, folders]) =>
  Object.entries(folders).map(([folder, others]) => ({
    name: `${name}-${folder}-imports-folders`,
    comment: `${name}/${folder} may import ${others.length === 0 ? 'no other folder' : others.join(', ')} of ${name}`,
    severity: 'error',
    from: sourcesOf(`${name}/${folder}`),
    to: {
      path: `^${LIBRARY}/${name}/[^/]+/`,
      pathNot: [
        ...[folder, ...others].map((each) => `^${LIBRARY}/${name}/${each}/`),
        ...(SHARED_FILES[name] ?? []).map((file) => `^${LIBRARY}/${name}/${file}\\.ts$`),
      ],
    },
  })),
);

/** Matches an installed package by its path, and any other package by its name. */
const packagePaths = (packages) =>
  packages.map((name) => `(^|node_modules/)${name}${name.endsWith('/') ? '' : '(/|$)'}`);

const packageRules = Object.entries(ROOMS).map(([name, { packages }]) => ({
  name: `${name}-imports-packages`,
  comment: `${name} may import ${packages.length === 0 ? 'no package' : packages.join(', ')}`,
  severity: 'error',
  from: sourcesOf(name),
  to: {
    dependencyTypesNot: ['local', 'core'],
    pathNot: [`^${LIBRARY}/`, ...packagePaths(packages)],
  },
}));

export default {
  forbidden: [
    ...roomRules,
    ...packageRules,
    ...folderRules,
    {
      name: 'core-is-pure',
      comment: 'core also runs in browsers, so it must not import modules of Node.js',
      severity: 'error',
      from: sourcesOf('core'),
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'library-imports-no-index',
      severity: 'error',
      from: { path: `^${LIBRARY}/` },
      to: { path: `^${LIBRARY}/([a-z-]*/|)index[.]ts$` },
    },
    {
      name: 'no-deep-imports-of-nest',
      comment: "anything outside a package's index may change in any release",
      severity: 'error',
      from: {},
      to: {
        path: '(^|node_modules/)@nestjs/[^/]+/.',
        pathNot: 'node_modules/@nestjs/[^/]+/(dist/)?index\\.(js|mjs|d[.]ts)$',
      },
    },
    {
      name: 'outside-uses-package-names',
      comment: 'the application, the tests and the benchmarks import the library as its users do',
      severity: 'error',
      from: { path: '^(src|test|bench)/' },
      to: { path: '^libs/', dependencyTypesNot: ['aliased-workspace'] },
    },
    {
      name: 'everything-resolves',
      severity: 'error',
      from: { path: `^(${LIBRARY}|src|test|bench)/` },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|libs/[^/]+/dist)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      conditionNames: ['event-tracking-source', 'types', 'import', 'node', 'require', 'default'],
      exportsFields: ['exports'],
      extensions: ['.ts', '.mts', '.mjs', '.js', '.json', '.d.ts'],
    },
  },
};
