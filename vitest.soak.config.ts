import { defineConfig } from 'vitest/config';

/** What takes minutes: run by `npm run test:soak`, on what was built. */
export default defineConfig({
  test: {
    include: ['test/soak/**/*.soak.ts'],
    setupFiles: ['test/support/setup.ts'],
    globalSetup: ['test/services/temporary.setup.ts'],
    testTimeout: 600_000,
    hookTimeout: 1_800_000,
    fileParallelism: false,
  },
});
