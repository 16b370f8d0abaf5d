import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['event-tracking-source'] },
  ssr: { resolve: { conditions: ['event-tracking-source', 'node'] } },
  test: {
    include: ['libs/*/src/**/*.spec.ts', 'test/**/*.spec.ts'],
    setupFiles: ['test/support/setup.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // A rejection that reaches nobody is a broken promise of the library, not noise.
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
