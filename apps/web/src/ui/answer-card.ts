import { bestClass } from '../logic/class-bars.ts'
import type { Picture } from '../logic/picture.ts'
import { timeText } from '../logic/timing.ts'
import { type Here, togetherText } from '../logic/together.ts'
import { confirmedText, mixedText, novelText } from '../logic/verdict-words.ts'
import {
  appliedText,
  checkedText,
  doubtText,
  missingText,
  percentText,
  routeText,
  spreadText,
} from '../logic/wording.ts'
import type { Hop, Run } from '../run.ts'
import { html, setLine, setText } from './dom.ts'
import { downloadButton } from './receipt-button.ts'

/** What of the model the results need. */
export interface ModelFacts {
  readonly layers: number
  readonly labels: readonly string[]
}

/** A run that has its answer. */
export type Answered = Extract<Run, { stage: 'answered' }>

/** The name of a class, or its number where the model has no names. */
export function labelOf(model: ModelFacts, index: number): string {
  return model.labels[index] ?? `class ${index}`
}

/** A card, and what keeps its lines about audits up to date. */
export interface AnswerCard {
  readonly card: HTMLElement
  showChecked(checked: Answered['checked']): void
}

/**
 * The finished card: label, confidence, whether it is right, layers, time, and the receipt.
 * @param hostAll has this tab host every layer, so that the next answer lacks none; undefined where it does.
 */
export function answerCard(
  run: Answered,
  model: ModelFacts,
  picture: Picture | undefined,
  here: Here,
  hostAll?: () => void,
): AnswerCard {
  const { mean, spread, answers, missingLayers } = run.ensemble
  const best = bestClass(mean)
  const confidence = mean[best] ?? 0
  const label = labelOf(model, best)
  const uncertainty = answers.length > 1 ? spreadText(spread[best] ?? 0) : ''
  const lines = [
    html('p', { class: 'verdict', text: `${label}, ${percentText(confidence)}${uncertainty}` }),
    ...novelLine(run),
    ...truthLine(picture, best, model),
    html('p', {
      class: 'muted',
      text: `${appliedText(run.route.length, model.layers)} · ${helpersText(run.route)}`,
    }),
  ]
  lines.push(
    html('p', { class: 'muted', text: timeText(run.time) }),
    ...togetherLine(answers, here),
  )
  const missing = missingText(missingLayers)
  if (missing !== undefined) lines.push(html('p', { class: 'missing', text: missing }))
  if (missing !== undefined && hostAll !== undefined) lines.push(hostAllButton(model, hostAll))
  const mixed = mixedText(run.route)
  if (mixed !== undefined) lines.push(html('p', { class: 'muted', text: mixed }))
  lines.push(...confirmedLine(run))
  const checkedLine = html('p', { class: 'muted' })
  const doubtLine = html('p', { class: 'missing' })
  lines.push(checkedLine, doubtLine)
  lines.push(...orderLines(run, model), downloadButton(run.receipt))
  const card = html('div', { class: 'answer' }, ...lines)
  card.dataset.testid = 'answer'
  card.dataset.label = label
  card.dataset.confidence = String(confidence)
  card.dataset.hops = String(run.route.length)
  card.dataset.missing = String(run.missingLayers.length)
  card.dataset.missingLayers = run.missingLayers.join()
  card.dataset.route = routeText(run.route)
  card.dataset.ms = String(Math.round(run.time.reduce((sum, { ms }) => sum + ms, 0)))
  card.dataset.orders = String(answers.length)
  card.dataset.rounds = answers[0]?.rounds.join('+') ?? ''
  card.dataset.agreeing = String(run.ensemble.agreeing)
  if (run.novelty !== undefined) card.dataset.novel = String(run.novelty.novel)
  if (run.confirmed !== undefined) card.dataset.confirmed = run.confirmed.outcome
  const hops = answers.reduce((sum, { route }) => sum + route.length, 0)
  function showChecked(checked: Answered['checked']) {
    setText(checkedLine, checkedText(checked, hops))
    setLine(doubtLine, doubtText(checked))
    card.dataset.checked = String(checked.reduce((sum, { layers }) => sum + layers.length, 0))
    card.dataset.doubted = [...new Set(checked.flatMap(({ doubted }) => doubted))].join()
  }
  showChecked(run.checked)
  return { card, showChecked }
}

/** That the model cannot know what it sees. */
function novelLine({ novelty }: Answered): HTMLElement[] {
  const text = novelText(novelty)
  return text === undefined ? [] : [html('p', { class: 'missing', text })]
}

/** What became of asking twice. */
function confirmedLine({ confirmed }: Answered): HTMLElement[] {
  if (confirmed === undefined) return []
  const style = confirmed.outcome === 'agreed' ? 'muted' : 'missing'
  return [html('p', { class: style, text: confirmedText(confirmed) })]
}

function hostAllButton({ layers }: ModelFacts, hostAll: () => void): HTMLButtonElement {
  const text = `Host all ${layers} layers here`
  const button = html('button', { class: 'receipt', text, attributes: { type: 'button' } })
  button.dataset.testid = 'host-all'
  button.addEventListener('click', () => {
    button.disabled = true
    setText(button, 'This tab hosts them from now on; ask again')
    hostAll()
  })
  return button
}

function truthLine(picture: Picture | undefined, best: number, model: ModelFacts): HTMLElement[] {
  if (picture?.trueClass === undefined) return []
  const right = picture.trueClass === best
  const text = right ? '✓ right' : `✗ wrong, it is ${labelOf(model, picture.trueClass)}`
  return [html('p', { class: right ? 'truth right' : 'truth wrong', text })]
}

/** What each of several orders said. */
function orderLines({ ensemble }: Answered, model: ModelFacts): HTMLElement[] {
  const { answers, agreeing } = ensemble
  if (answers.length < 2) return []
  const rows = answers.map(({ route, probabilities: [row = []] }) => {
    const best = bestClass(row)
    return html('li', {
      text: `${routeText(route)}: ${labelOf(model, best)}, ${percentText(row[best] ?? 0)}`,
    })
  })
  const summary = html('summary', {
    text: `${agreeing} of ${answers.length} orders agree; ± is the spread between orders`,
  })
  return [html('details', { class: 'orders' }, summary, html('ol', {}, ...rows))]
}

/** What it was worth that several peers were asked at once. */
function togetherLine([first]: Answered['ensemble']['answers'], here: Here): HTMLElement[] {
  const text = first && togetherText(first, here)
  if (text === undefined) return []
  const line = html('p', { class: 'together', text })
  line.dataset.testid = 'together'
  return [line]
}

function helpersText(route: readonly Hop[]): string {
  const peers = new Set(route.map((hop) => hop.peer)).size
  return peers === 1 ? 'on 1 peer' : `on ${peers} peers`
}
