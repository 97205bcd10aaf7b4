import { defineConfig } from 'vitest/config';

// gstreamer-superficial and onnxruntime-node are not context-aware: every test file gets its own process.
export default defineConfig({
  test: {
    pool: 'forks',
    isolate: true,
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    globalSetup: ['tests/global-setup.ts'],
    include: ['src/**/*.test.ts', 'bench/**/*.test.ts', 'tests/**/*.test.ts', 'dashboard/src/**/*.test.ts'],
    env: { UV_THREADPOOL_SIZE: '16' },
  },
});
