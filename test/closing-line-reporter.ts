import { writeFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'

/** Prints "N passed, N failed, N skipped"; leaves the counts in a file for whoever sums those of several runs. */
export default class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 }
    for (const module of modules)
      for (const test of module.children.allTests()) count[test.result().state]++
    // A file that fails to load has no tests to count, and must not pass for a green one.
    const broken = modules.filter((module) => module.errors().length > 0).length
    const counts = {
      passed: count.passed,
      failed: count.failed + broken,
      skipped: count.skipped + count.pending,
    }
    const file = process.env.LAYERSWARM_TEST_COUNTS
    if (file !== undefined) writeFileSync(file, JSON.stringify(counts))
    console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
  }
}
