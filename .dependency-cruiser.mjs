/**
 * Who may import whom. A room is a folder of the library's sources; what is not allowed to a room is forbidden.
 */

const LIBRARY = 'libs/event-tracking/src';
const room = (names) => `^${LIBRARY}/(${names.join('|')})/`;

/** The files that the rules are about: tests of a room may also use their tools. */
const sourcesOf = (name) => ({ path: `^${LIBRARY}/${name}/`, pathNot: '\\.spec\\.ts$' });

/** What the rooms may import of the library, and of packages; each room also imports itself. */
const ROOMS = {
  core: { rooms: [], packages: [] },
  processors: { rooms: ['core'], packages: [] },
  delivery: { rooms: ['core'], packages: ['rxjs'] },
  backends: { rooms: ['core'], packages: ['@nestjs/common'] },
  nest: {
    rooms: ['core', 'processors', 'delivery', 'backends'],
    packages: ['@nestjs/common', '@nestjs/core', 'nestjs-cls', 'rxjs', 'reflect-metadata'],
  },
  mongo: {
    rooms: ['core', 'delivery'],
    packages: ['@nestjs/mongoose', '@nestjs/common', 'mongoose'],
  },
  segment: { rooms: ['core', 'delivery'], packages: ['@segment/analytics-node'] },
  bullmq: { rooms: ['core', 'delivery'], packages: ['bullmq', '@nestjs/bullmq', '@nestjs/common'] },
  disk: { rooms: ['core', 'delivery'], packages: ['@nestjs/common'] },
  threads: { rooms: ['core'], packages: ['piscina', '@nestjs/common'] },
  'event-bus': {
    rooms: ['core', 'delivery'],
    packages: ['@nestjs/microservices', '@nestjs/common', 'rxjs'],
  },
  otel: { rooms: ['core', 'delivery'], packages: ['@opentelemetry/'] },
  health: { rooms: ['core'], packages: ['@nestjs/terminus', '@nestjs/common'] },
  ingest: { rooms: ['core'], packages: ['@nestjs/common'] },
  console: { rooms: ['core'], packages: ['@nestjs/common', 'rxjs'] },
  catalogue: { rooms: ['core'], packages: [] },
  testing: { rooms: ['core', 'delivery', 'nest'], packages: ['@nestjs/common', '@nestjs/testing'] },
};

/** What sees the tokens that the Nest layer provides, and nothing else of it. */
const SEE_TOKENS = ['health', 'ingest', 'console', 'bullmq', 'event-bus'];
const TOKENS = `^${LIBRARY}/nest/tokens\\.ts$`;

const roomRules = Object.entries(ROOMS).map(([name, { rooms }]) => ({
  name: `${name}-imports-rooms`,
  comment: `${name} may import ${rooms.length === 0 ? 'no other room' : rooms.join(', ')}`,
  severity: 'error',
  from: sourcesOf(name),
  to: {
    path: `^${LIBRARY}/`,
    pathNot: [room([name, ...rooms]), ...(SEE_TOKENS.includes(name) ? [TOKENS] : [])],
  },
}));

/** Packages are known by where they are installed, or by their name where they are not. */
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
    {
      name: 'core-is-pure',
      comment: 'core runs in browsers too: it imports nothing of Node',
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
      name: 'nobody-inside-imports-an-index',
      severity: 'error',
      from: { path: `^${LIBRARY}/` },
      to: { path: `^${LIBRARY}/([a-z-]*/|)index[.]ts$` },
    },
    {
      name: 'no-deep-imports-of-nest',
      comment: "what is not in a package's index may change in any release",
      severity: 'error',
      from: {},
      to: {
        path: '(^|node_modules/)@nestjs/[^/]+/.',
        pathNot: 'node_modules/@nestjs/[^/]+/(dist/)?index\\.(js|mjs|d[.]ts)$',
      },
    },
    {
      name: 'outside-uses-package-names',
      comment: 'the application, the tests and the benchmarks use the library as its users do',
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
