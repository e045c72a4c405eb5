import { defineConfig } from 'vitest/config';

/** Against a running server: `tests/e2e/test_typescript_sdk.py` and `test_typescript_hostile.py` start one and name it in the environment. */
export default defineConfig({
  test: {
    include: ['test/integration/**/*.spec.ts', 'test/hostile/**/*.spec.ts'],
    environment: 'node',
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 1,
  },
});
