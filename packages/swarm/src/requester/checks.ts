import type { Stretch } from '../audits/stretch.ts'
import type { CoreEffect } from '../effects.ts'
import type { Checked } from '../request.ts'
import type { Hop, PeerId, RequestId } from '../wire/messages.ts'
import { CHECKED_ANSWERS_MAX } from './limits.ts'

/** What audits have found of the runs of one request, and who of its route was outvoted. */
interface Findings {
  readonly right: Set<string>
  readonly wrong: Set<string>
  readonly outvoted: Set<PeerId>
}

/** An answer that was given, and what was known of it last. */
interface Given extends Findings {
  readonly route: readonly Hop[]
  checked: Checked
}

/**
 * What was run again of each answer, when it is given and afterwards.
 *
 * 1. A finding is about a run: the layer, its hop, its peer and its time. One that was made anew, after the request went
 *    back, is another run.
 * 2. What came out the same is not doubted, whatever is found of its peer elsewhere.
 * 3. Of a request without an answer nothing is kept, and of others the latest CHECKED_ANSWERS_MAX.
 */
export class Checks {
  private readonly open = new Map<RequestId, Findings>()
  /** The oldest first. */
  private readonly given = new Map<RequestId, Given>()

  /**
   * An audit has ended. @param isOpen whether its request is still on its way.
   * @param isRight whether others came to the same.
   */
  found(
    { after, layers }: Stretch,
    { isRight, isOpen }: { isRight: boolean; isOpen: boolean },
  ): CoreEffect[] {
    const { request, route } = after
    const findings = this.given.get(request) ?? (isOpen ? this.findingsOf(request) : undefined)
    if (findings === undefined) return []
    const first = route.length - layers.length
    for (const [i, hop] of route.slice(first).entries())
      (isRight ? findings.right : findings.wrong).add(nameOf(first + i, hop))
    return this.told(request)
  }

  /** A peer was found to lie. @param open those of its requests that are still on their way. */
  outvoted(peer: PeerId, open: Iterable<RequestId>): CoreEffect[] {
    for (const request of open) this.findingsOf(request).outvoted.add(peer)
    const effects: CoreEffect[] = []
    for (const [request, { route, outvoted }] of this.given) {
      if (!route.some((hop) => hop.peer === peer)) continue
      outvoted.add(peer)
      effects.push(...this.told(request))
    }
    return effects
  }

  /** A request is answered with this route. @returns what was run again of it by now. */
  answered(request: RequestId, route: readonly Hop[]): Checked {
    const findings = this.findingsOf(request)
    const checked = checkedOf(route, findings)
    if (this.given.size >= CHECKED_ANSWERS_MAX)
      this.given.delete(this.given.keys().next().value as RequestId)
    this.given.set(request, { ...findings, route, checked })
    return checked
  }

  /** A request has ended. */
  end(request: RequestId): void {
    this.open.delete(request)
  }

  private findingsOf(request: RequestId): Findings {
    let findings = this.open.get(request)
    if (findings === undefined) {
      findings = { right: new Set(), wrong: new Set(), outvoted: new Set() }
      this.open.set(request, findings)
    }
    return findings
  }

  /** Says what is known of an answer, where that is another thing than before. */
  private told(request: RequestId): CoreEffect[] {
    const given = this.given.get(request)
    if (given === undefined) return []
    const checked = checkedOf(given.route, given)
    const { layers, doubted } = given.checked
    if (`${layers}` === `${checked.layers}` && `${doubted}` === `${checked.doubted}`) return []
    given.checked = checked
    return [{ do: 'report', event: { type: 'answer-checked', request, checked } }]
  }
}

function nameOf(hop: number, { layer, peer, ms }: Hop): string {
  return `${hop} ${layer} ${peer} ${ms}`
}

function checkedOf(route: readonly Hop[], { right, wrong, outvoted }: Findings): Checked {
  const layers: number[] = []
  const doubted: number[] = []
  for (const [hop, run] of route.entries()) {
    const name = nameOf(hop, run)
    if (right.has(name)) layers.push(run.layer)
    else if (wrong.has(name) || outvoted.has(run.peer)) doubted.push(run.layer)
  }
  return { layers, doubted }
}
