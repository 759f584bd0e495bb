import type { Peer } from '@layerswarm/peer'
import type { Answer, Checked } from '@layerswarm/swarm'
import type { Verdict } from './ask.ts'

const UNCHECKED: Checked = { layers: [], doubted: [] }

/**
 * What is known of the answers of one asker: audits go on after an answer was given. Closed with its asker, which
 * forgets who listens when it stops.
 */
export class CheckBook {
  private readonly latest = new Map<Answer['request'], Checked>()

  constructor(asker: Pick<Peer, 'on'>) {
    asker.on((event) => {
      if (event.type === 'answer-checked') this.latest.set(event.request, event.checked)
    })
  }

  /** What is known of the answers of these requests by now. @param checked what was when they were given. */
  of({ requests, checked }: Pick<Verdict, 'requests' | 'checked'>): readonly Checked[] {
    return requests.map((request, i) => this.latest.get(request) ?? checked[i] ?? UNCHECKED)
  }
}

/** What was checked of each order of an answer, for people. */
export function checkedLines({ checked, orders }: Pick<Verdict, 'checked' | 'orders'>): string[] {
  return checked.map((one, i) => checkedLine(one, orders[i]?.length ?? 0))
}

/** An answer, and what it is the answer to. */
type Named = Pick<Verdict, 'checked' | 'orders'> & { readonly image: string }

/** The answers that have come to be doubted since they were printed, for people. */
export function laterLines(before: readonly Named[], after: readonly Named[]): string[] {
  return after.flatMap(({ image, checked, orders }, at) =>
    checked.flatMap((one, i) =>
      one.doubted.length > (before[at]?.checked[i]?.doubted.length ?? 0)
        ? [`${image}, since: ${checkedLine(one, orders[i]?.length ?? 0)}`]
        : [],
    ),
  )
}

function checkedLine({ layers, doubted }: Checked, of: number): string {
  const found =
    layers.length === 0
      ? 'no layer was checked by others yet'
      : `${layers.length} of ${of} layers checked by others`
  if (doubted.length === 0) return found
  const named = `layer${doubted.length === 1 ? '' : 's'} ${doubted.join(', ')}`
  return `${found}; DOUBTED: ${named}, run by peers that lied`
}
