import type { Reporter, TestModule } from 'vitest/node'

/** Prints the one line that CI reads: "N passed, N failed, N skipped". */
export default class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 }
    for (const module of modules)
      for (const test of module.children.allTests()) count[test.result().state]++
    // A file that fails to load has no tests to count, and must not pass for a green one.
    const broken = modules.filter((module) => module.errors().length > 0).length
    console.log(
      `\n${count.passed} passed, ${count.failed + broken} failed, ${count.skipped + count.pending} skipped`,
    )
  }
}
