import type { Pixels } from '@layerswarm/model'
import { bestClass, classBars } from '../logic/class-bars.ts'
import type { Picture } from '../logic/picture.ts'
import {
  appliedText,
  durationText,
  missingText,
  peerText,
  percentText,
  routeText,
} from '../logic/wording.ts'
import type { Hop, Run } from '../run.ts'
import { byId, html, setLine, setText } from './dom.ts'
import { paintLayer } from './layer-mark.ts'
import { paintPixels } from './pixels.ts'

/** What of the model the results need. */
export interface ModelFacts {
  readonly layers: number
  readonly labels: readonly string[]
}

export interface RunView {
  setModel(model: ModelFacts): void
  /** Shows a newly chosen picture, as the model sees it where that is known. */
  showPicture(picture: Picture, seen: Pixels | undefined): void
  showRun(run: Run): void
  /** Says what is wrong with a picture that could not be used. */
  showProblem(line: string): void
}

/** The chosen picture, its hops as they arrive, the bars and the answer. */
export function createRunView(self: () => string): RunView {
  const chosen = byId('chosen', HTMLCanvasElement)
  const caption = byId('chosen-caption', HTMLElement)
  const hint = byId('hint', HTMLElement)
  const error = byId('run-error', HTMLElement)
  const interim = byId('interim', HTMLElement)
  const answerPlace = byId('answer-place', HTMLElement)
  const showHops = createHopList(self)
  const showBars = createBars()
  let model: ModelFacts = { layers: 0, labels: [] }
  let picture: Picture | undefined

  return {
    setModel(facts) {
      model = facts
    },
    showPicture(shown, seen) {
      picture = shown
      const trueName = shown.trueClass === undefined ? '' : `: ${labelOf(model, shown.trueClass)}`
      paintPixels(chosen, seen ?? shown.pixels)
      chosen.setAttribute('aria-label', `${shown.name}${trueName}`)
      setText(caption, `${shown.name}${trueName}`)
    },
    showRun(run) {
      setLine(error, run.stage === 'failed' ? run.message : undefined)
      setLine(hint, hintOf(run))
      const route = run.stage === 'waiting' ? [] : run.route
      showHops(route, model.layers)
      showBars(
        run.stage === 'running' || run.stage === 'answered' ? run.probabilities : undefined,
        model,
      )
      setLine(interim, interimOf(run, model))
      answerPlace.replaceChildren(
        ...(run.stage === 'answered' ? [answerCard(run, model, picture)] : []),
      )
    },
    showProblem: (line) => setLine(error, line),
  }
}

function labelOf(model: ModelFacts, index: number): string {
  return model.labels[index] ?? `class ${index}`
}

function hintOf(run: Run): string | undefined {
  if (run.stage === 'waiting') return run.why
  if (run.stage === 'running' && run.route.length === 0)
    return 'Waiting for the first peer to claim a layer…'
  return undefined
}

/** The best class so far, while more layers are on their way. */
function interimOf(run: Run, model: ModelFacts): string | undefined {
  if (run.stage !== 'running' || run.probabilities === undefined) return undefined
  const best = bestClass(run.probabilities)
  return `${labelOf(model, best)} so far, ${percentText(run.probabilities[best] ?? 0)}`
}

type Answered = Extract<Run, { stage: 'answered' }>

function answerCard(run: Answered, model: ModelFacts, picture: Picture | undefined): HTMLElement {
  const best = bestClass(run.probabilities)
  const confidence = run.probabilities[best] ?? 0
  const label = labelOf(model, best)
  const lines = [
    html('p', { class: 'verdict', text: `${label}, ${percentText(confidence)}` }),
    ...truthLine(picture, best, model),
    html('p', {
      class: 'muted',
      text: `${appliedText(run.route.length, model.layers)} · ${durationText(run.totalMs)} · ${helpersText(run.route)}`,
    }),
  ]
  const missing = missingText(run.missingLayers)
  if (missing !== undefined) lines.push(html('p', { class: 'missing', text: missing }))
  const card = html('div', { class: 'answer' }, ...lines)
  card.dataset.testid = 'answer'
  card.dataset.label = label
  card.dataset.confidence = String(confidence)
  card.dataset.hops = String(run.route.length)
  card.dataset.missing = String(run.missingLayers.length)
  card.dataset.missingLayers = run.missingLayers.join()
  card.dataset.route = routeText(run.route)
  return card
}

function truthLine(picture: Picture | undefined, best: number, model: ModelFacts): HTMLElement[] {
  if (picture?.trueClass === undefined) return []
  const right = picture.trueClass === best
  const text = right ? '✓ right' : `✗ wrong, it is ${labelOf(model, picture.trueClass)}`
  return [html('p', { class: right ? 'truth right' : 'truth wrong', text })]
}

function helpersText(route: readonly Hop[]): string {
  const peers = new Set(route.map((hop) => hop.peer)).size
  return peers === 1 ? 'on 1 peer' : `on ${peers} peers`
}

function createHopList(self: () => string): (route: readonly Hop[], layers: number) => void {
  const title = byId('hops-title', HTMLElement)
  const list = byId('hops', HTMLOListElement)
  let shown: string[] = []
  return (route, layers) => {
    const keys = route.map((hop) => `${hop.layer} ${hop.peer} ${hop.ms}`)
    // Hops already shown stay; a request that went back to an older step loses its newer ones.
    const kept = keys.findIndex((key, index) => key !== shown[index])
    const from = kept < 0 ? keys.length : kept
    while (list.children.length > from) list.lastElementChild?.remove()
    list.append(...route.slice(from).map((hop) => hopChip(hop, layers, self())))
    shown = keys
    title.hidden = route.length === 0
  }
}

function hopChip(hop: Hop, layers: number, self: string): HTMLLIElement {
  const who = hop.peer === self ? 'this tab' : peerText(hop.peer)
  const chip = html(
    'li',
    { class: 'hop', attributes: { title: `layer ${hop.layer} on ${hop.peer}` } },
    html('span', { class: 'sr-only', text: `layer ${hop.layer} ` }),
    html('span', {
      class: 'hop-layer',
      text: String(hop.layer),
      attributes: { 'aria-hidden': 'true' },
    }),
    html('span', { class: 'hop-peer', text: who }),
    html(
      'span',
      { class: 'hop-cost' },
      html('span', { class: 'hop-backend', text: hop.backend }),
      html('span', { text: durationText(hop.ms) }),
    ),
  )
  chip.dataset.testid = 'hop'
  chip.dataset.layer = String(hop.layer)
  chip.dataset.peer = hop.peer
  return paintLayer(chip, hop.layer, layers)
}

function createBars(): (probabilities: readonly number[] | undefined, model: ModelFacts) => void {
  const list = byId('bars', HTMLUListElement)
  const rows = new Map<number, { row: HTMLLIElement; value: HTMLElement }>()
  return (probabilities, model) => {
    const bars = probabilities === undefined ? [] : classBars(probabilities, model.labels)
    const kept = new Set(bars.map((bar) => bar.index))
    for (const [index, { row }] of rows) {
      if (kept.has(index)) continue
      row.remove()
      rows.delete(index)
    }
    for (const [position, bar] of bars.entries()) {
      const known = rows.get(bar.index) ?? newBar(bar.label)
      rows.set(bar.index, known)
      // Through the style object and not the attribute, which the page's policy forbids.
      known.row.style.setProperty('--share', bar.share.toFixed(4))
      known.row.classList.toggle('best', bar.best)
      setText(known.value, percentText(bar.share))
      const there = list.children[position] ?? null
      if (known.row !== there) list.insertBefore(known.row, there)
    }
  }
}

function newBar(label: string): { row: HTMLLIElement; value: HTMLElement } {
  const value = html('span', { class: 'bar-value' })
  const track = html(
    'span',
    { class: 'bar-track', attributes: { 'aria-hidden': 'true' } },
    html('i', { class: 'bar-fill' }),
  )
  return {
    row: html(
      'li',
      { class: 'bar' },
      html('span', { class: 'bar-label', text: label }),
      track,
      value,
    ),
    value,
  }
}
