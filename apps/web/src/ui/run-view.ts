import type { Pixels, Receipt } from '@layerswarm/model'
import { bestClass } from '../logic/class-bars.ts'
import type { Picture } from '../logic/picture.ts'
import type { Here } from '../logic/together.ts'
import { percentText } from '../logic/wording.ts'
import type { Run } from '../run.ts'
import { type AnswerCard, answerCard, labelOf, type ModelFacts } from './answer-card.ts'
import { createClassChart, type Scores } from './class-chart.ts'
import { byId, setLine, setText } from './dom.ts'
import { createHopList } from './hop-list.ts'
import { paintPixels } from './pixels.ts'

/** The chosen picture beside what becomes of it. */
export interface RunView {
  setModel(model: ModelFacts): void
  /** Shows a newly chosen picture, as the model sees it where that is known. */
  showPicture(picture: Picture, seen: Pixels | undefined): void
  showRun(run: Run): void
  /** Says what is wrong with a picture that could not be used. */
  showProblem(line: string): void
}

/** The chosen picture, its hops as they arrive, the bars and the answer. */
export function createRunView(here: () => Here, hostAll?: () => void): RunView {
  const self = () => here().peerId ?? ''
  const chosen = byId('chosen', HTMLCanvasElement)
  const caption = byId('chosen-caption', HTMLElement)
  const hint = byId('hint', HTMLElement)
  const error = byId('run-error', HTMLElement)
  const interim = byId('interim', HTMLElement)
  const answerPlace = byId('answer-place', HTMLElement)
  const hops = createHopList(byId('hops', HTMLOListElement), byId('hops-title', HTMLElement), self)
  const chart = createClassChart(byId('bars', HTMLUListElement))
  let model: ModelFacts = { layers: 0, labels: [] }
  let picture: Picture | undefined
  /** The answer that is shown; it stays as it is while more is found of it. */
  let answered: { readonly receipt: Receipt; readonly shown: AnswerCard } | undefined

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
      if (run.stage === 'answered' && run.receipt === answered?.receipt)
        return answered.shown.showChecked(run.checked)
      setLine(error, run.stage === 'failed' ? run.message : undefined)
      setLine(hint, hintOf(run))
      hops.show({
        route: run.stage === 'waiting' ? [] : run.route,
        marks: run.stage === 'running' || run.stage === 'answered' ? run.marks : [],
        rounds: roundsOf(run),
        ...model,
        isOver: run.stage === 'answered',
      })
      chart.show(scoresOf(run), model.labels)
      setLine(interim, interimOf(run, model))
      answered =
        run.stage === 'answered'
          ? { receipt: run.receipt, shown: answerCard(run, model, picture, here(), hostAll) }
          : undefined
      answerPlace.replaceChildren(...(answered === undefined ? [] : [answered.shown.card]))
    },
    showProblem: (line) => setLine(error, line),
  }
}

function scoresOf(run: Run): Scores | undefined {
  if (run.stage === 'answered') {
    const { mean, spread, answers } = run.ensemble
    return { probabilities: mean, spread: answers.length > 1 ? spread : undefined }
  }
  if (run.stage !== 'running' || run.probabilities === undefined) return undefined
  return { probabilities: run.probabilities, spread: undefined }
}

/** How many layers of the shown route ran at once, round by round. */
function roundsOf(run: Run): readonly number[] {
  return run.stage === 'answered' ? (run.ensemble.answers[0]?.rounds ?? []) : []
}

function hintOf(run: Run): string | undefined {
  if (run.stage === 'waiting') return run.why
  if (run.stage !== 'running') return undefined
  if (run.orders.ended > 0) return `${run.orders.ended} of ${run.orders.of} orders are answered…`
  return run.route.length === 0 ? 'Waiting for the first peer to run a layer…' : undefined
}

/** The best class so far, while more layers are on their way. */
function interimOf(run: Run, model: ModelFacts): string | undefined {
  if (run.stage !== 'running' || run.probabilities === undefined) return undefined
  const best = bestClass(run.probabilities)
  return `${labelOf(model, best)} so far, ${percentText(run.probabilities[best] ?? 0)}`
}
