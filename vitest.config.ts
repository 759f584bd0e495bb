import { availableParallelism } from 'node:os'
import { defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'

const conditions = ['source', ...defaultServerConditions]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    // Vitest leaves one core free, which on two would leave half the machine idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    reporters: ['default', './test/closing-line-reporter.ts'],
    // Tests that load onnxruntime-node by themselves must not report home either.
    env: { ORT_DISABLE_TELEMETRY: '1' },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            'packages/*/src/**/*.test.ts',
            'apps/*/src/**/*.test.ts',
            'test/unit/**/*.test.ts',
          ],
          // A second on a quiet machine may be ten on a busy one.
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'commands',
          globalSetup: 'test/build-first.ts',
          // Each waits for a process of its own that computes, so several at once fill the cores.
          sequence: { groupOrder: 1 },
          include: ['test/commands/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'system',
          globalSetup: 'test/build-first.ts',
          // Alone: swarms and browsers beside other work would wait for the same two cores.
          sequence: { groupOrder: 2 },
          include: ['test/system/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
