import { bestClass } from '../logic/class-bars.ts'
import { roundOf } from '../logic/rounds-choice.ts'
import { durationText, peerText, percentText } from '../logic/wording.ts'
import type { Hop, Mark } from '../run.ts'
import { html } from './dom.ts'
import { paintLayer } from './layer-mark.ts'
import { RELEASE_CHARS_SHOWN } from './limits.ts'

/** A route as far as it is known, and what the head made of it on the way. */
export interface Journey {
  readonly route: readonly Hop[]
  readonly marks: readonly Mark[]
  readonly layers: number
  readonly labels: readonly string[]
  /** How many of them ran at once, round by round; none where one ran after another. */
  readonly rounds: readonly number[]
  /** There will be no further marks. */
  readonly isOver: boolean
}

/** The way of a request, one chip per hop. */
export interface HopList {
  show(journey: Journey): void
}

/** One chip per hop: layer, peer, backend, ms, and the best class after it where the head has run. */
export function createHopList(
  list: HTMLOListElement,
  title: HTMLElement,
  self: () => string,
): HopList {
  let shown: string[] = []
  return {
    show(journey) {
      const { route, marks, rounds } = journey
      const keys = route.map((hop) => `${hop.layer} ${hop.peer} ${hop.ms}`)
      // Hops already shown stay; a request that went back to an older step loses its newer ones.
      const kept = keys.findIndex((key, index) => key !== shown[index])
      const from = kept < 0 ? keys.length : kept
      while (list.children.length > from) list.lastElementChild?.remove()
      list.append(...route.slice(from).map((hop) => hopChip(hop, journey, self())))
      // What a round adds up to is of no layer of it alone.
      if (rounds.length === 0)
        for (const mark of marks) showMark(list.children[mark.hops - 1], mark, journey)
      if (journey.isOver)
        for (const [at, chip] of [...list.children].entries()) showNoMark(chip, roundOf(rounds, at))
      shown = keys
      title.hidden = route.length === 0
    },
  }
}

function hopChip(hop: Hop, { layers }: Journey, self: string): HTMLLIElement {
  const who = hop.peer === self ? 'this tab' : peerText(hop.peer)
  const chip = html(
    'li',
    { class: 'hop', attributes: { title: titleOf(hop) } },
    html('span', { class: 'sr-only', text: `layer ${hop.layer} ` }),
    html('span', {
      class: 'hop-layer',
      text: String(hop.layer),
      attributes: { 'aria-hidden': 'true' },
    }),
    html('span', { class: 'hop-peer', text: who }),
    html('span', { class: 'hop-cost' }, html('span', { text: durationText(hop.ms) })),
  )
  chip.dataset.testid = 'hop'
  chip.dataset.layer = String(hop.layer)
  chip.dataset.peer = hop.peer
  return paintLayer(chip, hop.layer, layers)
}

function titleOf({ layer, weights, peer, backend }: Hop): string {
  const of = weights === undefined ? '' : ` of release ${weights.slice(0, RELEASE_CHARS_SHOWN)}`
  return `layer ${layer}${of} on ${peer}, ${backend}`
}

/** "Sneaker 63 %", with a line as long as that. */
function showMark(chip: Element | undefined, mark: Mark, { labels }: Journey): void {
  if (!(chip instanceof HTMLLIElement) || chip.dataset.best !== undefined) return
  const best = bestClass(mark.probabilities)
  const share = mark.probabilities[best] ?? 0
  const label = labels[best] ?? `class ${best}`
  const line = html('span', {
    class: 'hop-mark',
    text: `${label} ${percentText(share)}`,
    attributes: { title: 'the best class after this hop' },
  })
  line.style.setProperty('--share', share.toFixed(4))
  chip.dataset.best = label
  chip.dataset.share = share.toFixed(4)
  chip.append(line)
}

/** Several layers that one peer runs in a row come back as one result, and so do all of a round. */
function showNoMark(chip: Element, round: number | undefined): void {
  if (chip.querySelector('.hop-mark') !== null) return
  const [text, title] =
    round === undefined
      ? ['not scored', 'nobody looked at the result in between']
      : [`round ${round}`, 'at the same time as the others of this round']
  chip.append(html('span', { class: 'hop-mark none', text, attributes: { title } }))
}
