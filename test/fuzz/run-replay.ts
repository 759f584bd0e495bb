import { chosenTargets } from './chosen.ts'
import { kindOf, readFinding } from './findings.ts'
import { isFailure, play } from './member/run-member.ts'

/** Which finding is repeated. */
export interface ReplayRun {
  readonly name: string
  readonly findings: string
  say(line: string): void
}

/** Repeats a finding, of a decoder or of a member. @returns 1 while it is one, 0 once it is mended. */
export async function runReplay({ name, findings, say }: ReplayRun): Promise<number> {
  const found = readFinding(findings, name)
  if ('trace' in found) {
    const outcome = play(found.trace, say)
    say(isFailure(outcome) ? outcome.stack : `${name}: nothing is wrong`)
    return isFailure(outcome) ? 1 : 0
  }
  for (const target of chosenTargets([found.target])) {
    const kind = await kindOf(target, found.input)
    say(kind === undefined ? `${found.target}: nothing is wrong` : `${found.target}: ${kind}`)
    if (kind !== undefined) return 1
  }
  return 0
}
