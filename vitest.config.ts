import { defineConfig } from 'vitest/config';

/** The file that also receives the results, for a script that counts them. */
const json = process.env['VITEST_JSON'];

export default defineConfig({
  resolve: { conditions: ['event-tracking-source'] },
  ssr: { resolve: { conditions: ['event-tracking-source', 'node'] } },
  test: {
    include: ['libs/*/src/**/*.spec.ts', 'test/**/*.spec.ts'],
    setupFiles: ['test/support/setup.ts'],
    globalSetup: [
      'test/services/temporary.setup.ts',
      'test/services/mongo.setup.ts',
      'test/services/redis.setup.ts',
    ],
    reporters: json === undefined ? ['default'] : ['default', ['json', { outputFile: json }]],
    // Many tests wait for servers and compilers: two files at a time keep two cores busy.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: ['libs/*/src/**/*.ts'],
      exclude: ['**/*.spec.ts', '**/testing/**'],
      reporter: ['text-summary', 'html', 'lcov'],
    },
    // A rejection that reaches nobody is a broken promise of the library, not noise.
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
