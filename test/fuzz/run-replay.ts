import { chosenTargets } from './chosen.ts'
import { kindOf, readFinding } from './findings.ts'

/** Which finding is repeated. */
export interface ReplayRun {
  readonly name: string
  readonly findings: string
  say(line: string): void
}

/** Repeats a finding. @returns 1 while it is one, 0 once it is mended. */
export async function runReplay({ name, findings, say }: ReplayRun): Promise<number> {
  const { target: named, input } = readFinding(findings, name)
  for (const target of chosenTargets([named])) {
    const kind = await kindOf(target, input)
    say(kind === undefined ? `${named}: nothing is wrong` : `${named}: ${kind}`)
    if (kind !== undefined) return 1
  }
  return 0
}
