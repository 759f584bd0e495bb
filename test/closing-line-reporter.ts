import { writeFileSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule } from 'vitest/node'

const { LAYERSWARM_TEST_COUNTS: countsFile } = process.env
// Tests that run vitest themselves count for themselves.
delete process.env.LAYERSWARM_TEST_COUNTS

/**
 * Prints "N passed, N failed, N skipped"; leaves the counts in a file for whoever sums those of several runs, with a
 * line for each failure.
 */
export default class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 }
    for (const module of modules)
      for (const test of module.children.allTests()) count[test.result().state]++
    // A file that fails to load has no tests to count, nor has an error that nothing caught; neither may pass for green.
    const broken = modules.filter((module) => module.errors().length > 0)
    const counts = {
      passed: count.passed,
      failed: count.failed + broken.length + unhandled.length,
      skipped: count.skipped + count.pending,
      failures: [
        ...broken.map(lineOfModule),
        ...modules.flatMap(linesOfTests),
        ...unhandled.map((error) => lineOf('outside of any test', [error])),
      ],
    }
    if (countsFile !== undefined) writeFileSync(countsFile, JSON.stringify(counts))
    console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
  }
}

function linesOfTests(module: TestModule): string[] {
  return [...module.children.allTests('failed')].map((test) =>
    lineOf(`${module.relativeModuleId} > ${test.fullName}`, test.result().errors ?? []),
  )
}

function lineOfModule(module: TestModule): string {
  return lineOf(module.relativeModuleId, module.errors())
}

function lineOf(name: string, errors: readonly { message: string }[]): string {
  const [reason = ''] = (errors[0]?.message ?? '').split('\n', 1)
  return `${name}: ${reason}`
}
