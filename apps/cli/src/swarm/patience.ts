import { SwarmError } from '@layerswarm/swarm'
import { CliError } from '../cli-error.ts'
import { ALONE_MS_MAX } from '../limits.ts'

/** Whether a swarm that is asked many times is worth asking again: peers come back, swarms that are over do not. */
export class Patience {
  private aloneSinceMs: number | undefined

  /** Told of a request's answer. */
  answered(): void {
    this.aloneSinceMs = undefined
  }

  /** Told of why a picture has none; one that could not be read was no request. @param nowMs when. */
  failed(error: unknown, nowMs: number): void {
    if (!(error instanceof SwarmError)) return
    const foundNobody = error.fault.code === 'no-providers'
    this.aloneSinceMs = foundNobody ? (this.aloneSinceMs ?? nowMs) : undefined
  }

  /** Whether requests have found nobody for ALONE_MS_MAX. */
  isOver(nowMs: number): boolean {
    return this.aloneSinceMs !== undefined && nowMs - this.aloneSinceMs >= ALONE_MS_MAX
  }
}

/** What a picture is told that is not asked about any more. */
export function notAsked(): CliError {
  const seconds = ALONE_MS_MAX / 1_000
  return new CliError(
    { code: 'not-asked' },
    `not asked: for ${seconds} s nobody in this swarm has hosted a layer; start a peer (\`layerswarm peer --join URL\`) and ask again`,
  )
}
