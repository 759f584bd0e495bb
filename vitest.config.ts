import { availableParallelism } from 'node:os'
import { defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'

const conditions = ['source', ...defaultServerConditions]

/** They measure, or do something to a tab at a certain moment: other work beside would change both. */
const ALONE = [
  'bootstrap-nodes',
  'cli-swarm',
  'deadlines',
  'faults',
  'tab-faults',
  'tab-life',
  'tabs',
].map((name) => `test/system/${name}.test.ts`)

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
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'system',
          globalSetup: 'test/build-first.ts',
          // After all that computes without a pause. Swarms and browsers wait for each other half of
          // their time, so two files share two cores; `npm test` runs the commands behind them.
          sequence: { groupOrder: 3 },
          include: ['test/system/**/*.test.ts'],
          exclude: ALONE,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
        },
      },
      {
        extends: true,
        test: {
          name: 'system-alone',
          globalSetup: 'test/build-first.ts',
          sequence: { groupOrder: 2 },
          include: ALONE,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
