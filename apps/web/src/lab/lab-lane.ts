import { bestClass } from '../logic/class-bars.ts'
import type { Picture } from '../logic/picture.ts'
import { roundOf } from '../logic/rounds-choice.ts'
import { durationText, peerText, percentText } from '../logic/wording.ts'
import { html, setLine, setText } from '../ui/dom.ts'
import { paintLayer } from '../ui/layer-mark.ts'

/** One of the ways through the same peers: its hops, its outcome, and how often it held. */
export interface Lane {
  begin(): void
  /** @param rounds how many of them ran at once, round by round; none where one ran after another. */
  showRoute(route: readonly LaneStop[], rounds?: readonly number[]): void
  /** @param verdict what the scores say, and whether that is right. */
  answered(verdict: { text: string; right: boolean | undefined }, missing: string | undefined): void
  broken(why: string): void
  /** What liars and audits had to do with it. */
  showLies(line: string | undefined): void
}

/** A hop as a lane shows it. */
export interface LaneStop {
  readonly layer: number
  readonly peer: string
  /** Whoever ran it lied then. */
  readonly lied: boolean
}

/** @param place holds an `ol`, and paragraphs of class `lane-verdict`, `lane-note`, `lane-lies` and `lane-tally`. */
export function createLane(place: HTMLElement, layers: number): Lane {
  const list = childOf(place, 'ol', HTMLOListElement)
  const verdictLine = childOf(place, '.lane-verdict', HTMLElement)
  const note = childOf(place, '.lane-note', HTMLElement)
  const lies = childOf(place, '.lane-lies', HTMLElement)
  const tally = childOf(place, '.lane-tally', HTMLElement)
  const counts = { asked: 0, answered: 0, right: 0, judged: 0 }

  function ended(outcome: string) {
    place.dataset.outcome = outcome
    place.dataset.answered = String(counts.answered)
    const right = counts.judged === 0 ? '' : `, ${counts.right} of ${counts.judged} right`
    setText(tally, `${counts.answered} of ${counts.asked} answered${right}`)
  }

  return {
    begin() {
      counts.asked++
      place.dataset.outcome = 'running'
      place.dataset.asked = String(counts.asked)
      list.replaceChildren()
      setText(verdictLine, 'On its way…')
      verdictLine.className = 'lane-verdict'
      setLine(note, undefined)
      setLine(lies, undefined)
    },
    showLies: (line) => setLine(lies, line),
    showRoute(route, rounds = []) {
      const marks = route.map((stop) => stopMark(stop, layers))
      for (const [at, mark] of marks.entries())
        mark.classList.toggle('opens', at > 0 && roundOf(rounds, at) !== roundOf(rounds, at - 1))
      list.replaceChildren(...marks)
    },
    answered({ text, right }, missing) {
      counts.answered++
      if (right !== undefined) counts.judged++
      if (right === true) counts.right++
      const mark = right === undefined ? '' : right ? ' ✓' : ' ✗ wrong'
      setText(verdictLine, `${text}${mark}`)
      verdictLine.className = `lane-verdict ${right === false ? 'wrong' : 'right'}`
      setLine(note, missing)
      ended('answered')
    },
    broken(why) {
      setText(verdictLine, 'No answer')
      verdictLine.className = 'lane-verdict wrong'
      setLine(note, why)
      ended('broken')
    },
  }
}

function stopMark({ layer, peer, lied }: LaneStop, layers: number): HTMLLIElement {
  const words = `layer ${layer} on ${peer}${lied ? ', which lied' : ''}`
  const mark = html(
    'li',
    { class: lied ? 'stop lied' : 'stop', attributes: { title: words } },
    html('span', {
      class: 'hop-layer',
      text: String(layer),
      attributes: { 'aria-hidden': 'true' },
    }),
    html('span', { class: 'sr-only', text: words }),
    html('span', {
      class: 'stop-peer',
      text: peerText(peer).replace('peer-', ''),
      attributes: { 'aria-hidden': 'true' },
    }),
  )
  return paintLayer(mark, layer, layers)
}

function childOf<T extends Element>(
  place: HTMLElement,
  selector: string,
  type: abstract new () => T,
): T {
  const child = place.querySelector(selector)
  if (!(child instanceof type)) throw new Error(`#${place.id} lacks a ${selector}`)
  return child
}

/** "Sneaker, 97 %, 2.9 s", and whether that is right where the truth is known. @param ms of the swarm's own time. */
export function verdictOf(
  probabilities: readonly number[],
  { trueClass }: Picture,
  labels: readonly string[],
  ms?: number,
): { text: string; right: boolean | undefined } {
  const best = bestClass(probabilities)
  const took = ms === undefined ? '' : `, ${durationText(ms)}`
  const text = `${labels[best] ?? `class ${best}`}, ${percentText(probabilities[best] ?? 0)}${took}`
  return { text, right: trueClass === undefined ? undefined : trueClass === best }
}
