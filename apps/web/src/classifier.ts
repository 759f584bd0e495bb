import {
  type ActivationDtype,
  keepsOrder,
  type Manifest,
  noveltyVerdict,
  type Pixels,
  RECEIPT_FORMAT,
  type Receipt,
  releaseId,
  type Tensor,
} from '@layerswarm/model'
import type { Peer } from '@layerswarm/peer'
import {
  type Answer,
  type Checked,
  type Classification,
  type ClassifyPolicy,
  type Confirmation,
  confirm,
  fullTours,
  type Progress,
} from '@layerswarm/swarm'
import { ANSWER_MS_MAX } from './limits.ts'
import { combine } from './logic/ensemble.ts'
import { type Picture, pictureTensor, seenPixels } from './logic/picture.ts'
import { noAnswerText, sentence } from './logic/plain-words.ts'
import type { RoundsChoice } from './logic/rounds-choice.ts'
import { type Click, startStopwatch } from './logic/timing.ts'
import { errorText } from './logic/wording.ts'
import type { Hop, Mark, Run } from './run.ts'

/** How this tab's activations travel: the swarm's usual form, named in every receipt. */
export const WIRE_DTYPE: ActivationDtype = 'float16'

/** What the page hears of the picture and of its way through the swarm. */
export interface ClassifierEvents {
  /** `seen` is what the model sees of the picture, where the model is known. */
  pictureChanged(picture: Picture, seen: Pixels | undefined): void
  /** The run has come further, or has ended. */
  runChanged(run: Run): void
  /** The requests of the run that begins now; they come one by one. */
  asked(request: string): void
}

/** What of a peer is needed to ask the swarm. */
export type Asker = Pick<Peer, 'classify' | 'on'>

/** Classifies the chosen picture, one at a time: a new choice cancels the run before it. */
export interface Classifier {
  /** Classifies this picture now, or as soon as model and peer are there. */
  choose(picture: Picture): void
  /** How many orders the next picture is asked in, 1 or more. */
  setOrders(orders: number): void
  /** How many of its layers the next picture is asked to run at once. */
  setRounds(rounds: RoundsChoice): void
  /** Whether the next picture is asked in two disjoint orders instead, and in a third when they disagree. */
  setTwice(twice: boolean): void
  setManifest(manifest: Manifest): void
  /** From now on `peer` asks the swarm; a picture that waited goes out at once. */
  setPeer(peer: Asker | undefined): void
}

/** A classifier that knows no model and no peer yet: a picture chosen before waits for both. */
export function createClassifier(events: ClassifierEvents): Classifier {
  let manifest: Manifest | undefined
  let peer: Asker | undefined
  let chosen: Picture | undefined
  let click: Click = { ms: 0, hadToJoin: false }
  let orders = 1
  let rounds: RoundsChoice = 'off'
  let twice = false
  let waiting = false
  let asking: Asking | undefined

  function begin() {
    if (chosen === undefined) return
    asking?.cancel()
    const input = prepare(chosen)
    waiting = input === undefined || peer === undefined
    if (input === undefined || peer === undefined || manifest === undefined) return
    asking = ask({ peer, manifest, input, orders, rounds, twice, click, events })
  }

  /** Shows the picture and gives the model's input, or undefined after saying why there is none. */
  function prepare(picture: Picture): Tensor | undefined {
    if (manifest === undefined) {
      events.pictureChanged(picture, undefined)
      events.runChanged({
        stage: 'waiting',
        why: 'The model is not known yet; join the swarm first.',
      })
      return undefined
    }
    try {
      const input = pictureTensor(picture, manifest.preprocessing)
      events.pictureChanged(picture, seenPixels(input, manifest.preprocessing))
      if (peer === undefined) {
        events.runChanged({
          stage: 'waiting',
          why: 'As soon as this tab is in the swarm, this picture goes out.',
        })
      }
      return input
    } catch (error) {
      events.pictureChanged(picture, undefined)
      events.runChanged({ stage: 'failed', route: [], message: sentence(errorText(error)) })
      return undefined
    }
  }

  return {
    choose(picture) {
      chosen = picture
      click = { ms: performance.now(), hadToJoin: peer === undefined }
      begin()
    },
    setOrders(count) {
      orders = Math.max(1, Math.trunc(count))
    },
    setRounds(next) {
      rounds = next
    },
    setTwice(isTwice) {
      twice = isTwice
    },
    setManifest(next) {
      manifest = next
    },
    setPeer(next) {
      peer = next
      if (peer === undefined && asking?.isOpen === true) {
        asking.cancel()
        waiting = true
        events.runChanged({
          stage: 'waiting',
          why: 'This tab left before the answer came. When it joins again, this picture goes out.',
        })
      }
      if (peer !== undefined && waiting) begin()
    },
  }
}

interface Question {
  readonly peer: Asker
  readonly manifest: Manifest
  /** (1, channels, size, size) */
  readonly input: Tensor
  readonly orders: number
  readonly rounds: RoundsChoice
  readonly twice: boolean
  /** When the picture was chosen. */
  readonly click: Click
  readonly events: Pick<ClassifierEvents, 'runChanged' | 'asked'>
}

/** What came back. */
interface Asked {
  readonly answers: readonly Answer[]
  /** Those of them that say what is answered. */
  readonly believed: readonly Answer[]
  readonly confirmed: Confirmation | undefined
  /** The first of those is the one that was shown hop by hop. */
  readonly isShown: boolean
}

/** A question that was put. */
interface Asking {
  /** It has neither its answer nor its error. */
  readonly isOpen: boolean
  /** Nothing is told of it any more. */
  cancel(): void
}

/** Sends one image through the swarm, once per order, and reports. */
function ask({ peer, input, twice, rounds, events, ...wanted }: Question): Asking {
  const { manifest, click } = wanted
  let cancelled = false
  let ended = 0
  let orders = twice ? 2 : wanted.orders
  let route: readonly Hop[] = []
  let probabilities: readonly number[] | undefined
  let marks: readonly Mark[] = []
  let given: Extract<Run, { stage: 'answered' }> | undefined
  const open = new Set<Classification>()
  const checks = new Map<string, Checked>()
  const watch = startStopwatch(click, () => performance.now())
  const tell = (run: Run) => {
    if (!cancelled) events.runChanged(run)
  }
  const tellRunning = () =>
    tell({ stage: 'running', route, probabilities, marks, orders: { ended, of: orders } })

  /** The first order is shown hop by hop, the others only count. */
  async function pass(first: boolean, how: Partial<ClassifyPolicy> = {}): Promise<Answer> {
    // Two orders are compared layer by layer.
    const inRounds = twice ? 'off' : rounds
    const policy = { deadlineMs: ANSWER_MS_MAX, rounds: inRounds, ...how, anytime: first }
    const classification = await peer.classify(input, policy)
    open.add(classification)
    if (cancelled) classification.cancel()
    else events.asked(classification.request)
    if (first) classification.onProgress(progressed)
    try {
      return await classification.answer
    } finally {
      open.delete(classification)
      ended++
      if (ended < orders) tellRunning()
    }
  }

  function progressed(progress: Progress) {
    watch.passed(progress.route.length)
    route = progress.route
    const [scored] = progress.probabilities ?? []
    if (scored !== undefined)
      marks = marked(marks, { hops: progress.scoredHops, probabilities: scored })
    probabilities = scored ?? probabilities
    tellRunning()
  }

  /** One more order than was expected, where it takes a third. */
  function more(index: number, how: Partial<ClassifyPolicy>): Promise<Answer> {
    if (index >= orders) {
      orders = index + 1
      tellRunning()
    }
    return pass(index === 0, how)
  }

  async function run() {
    tellRunning()
    try {
      const asked = await (twice ? askTwice(more) : askAtOnce(pass, orders))
      // A second order that there was no time for is waited for no longer.
      orders = ended
      given = answeredRun(asked, { manifest, input, marks, watch, checks })
      if (given !== undefined) tell(given)
    } catch (error) {
      tell({ stage: 'failed', route, message: noAnswerText(error) })
    }
  }

  const unlisten = followChecks(peer, checks, (request) => {
    if (!given?.ensemble.answers.some((answer) => answer.request === request)) return
    given = { ...given, checked: checkedOf(given.ensemble.answers, checks) }
    tell(given)
  })
  void run()
  return {
    get isOpen() {
      return !cancelled && ended < orders
    },
    cancel() {
      cancelled = true
      unlisten()
      for (const classification of open) classification.cancel()
    },
  }
}

/** Several orders at once. @throws the first error when there is no answer. */
async function askAtOnce(
  pass: (first: boolean) => Promise<Answer>,
  orders: number,
): Promise<Asked> {
  const passes = Array.from({ length: orders }, (_, index) => pass(index === 0))
  const settled = await Promise.allSettled(passes)
  const answers = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failure = settled.find((one) => one.status === 'rejected')
  if (answers.length === 0) throw failure?.reason
  const isShown = settled[0]?.status === 'fulfilled'
  return { answers, believed: answers, confirmed: undefined, isShown }
}

/** One order after the other. @throws the error of the first. */
async function askTwice(
  pass: (index: number, how: Partial<ClassifyPolicy>) => Promise<Answer>,
): Promise<Asked> {
  let asked = 0
  const confirmed = await confirm((how) => pass(asked++, how), { deadlineMs: ANSWER_MS_MAX })
  const { answers, believed } = confirmed
  return { answers, believed, confirmed, isShown: believed[0] === answers[0] }
}

interface Gathered extends Pick<Question, 'manifest' | 'input'> {
  readonly marks: readonly Mark[]
  readonly watch: ReturnType<typeof startStopwatch>
  readonly checks: ReadonlyMap<string, Checked>
}

/** What is shown of an answer; undefined where there is none. */
function answeredRun(
  { answers, believed, confirmed, isShown }: Asked,
  { manifest, input, marks, watch, checks }: Gathered,
): Extract<Run, { stage: 'answered' }> | undefined {
  const [main] = believed
  if (main === undefined) return undefined
  return {
    stage: 'answered',
    route: main.route,
    marks: lastMarked(isShown ? marks : [], main),
    missingLayers: main.missingLayers,
    time: watch.stop(main.missingLayers.length === 0),
    ensemble: combine(believed),
    confirmed,
    novelty: noveltyVerdict(manifest.novelty, fullTours(answers)),
    checked: checkedOf(believed, checks),
    receipt: receiptOf(manifest, input, answers),
  }
}

/** Audits go on after the answer: keeps what they find. @returns what ends it. */
function followChecks(
  peer: Asker,
  checks: Map<string, Checked>,
  found: (request: string) => void,
): () => void {
  return peer.on((event) => {
    if (event.type !== 'answer-checked') return
    checks.set(event.request, event.checked)
    found(event.request)
  })
}

/** What is known of each answer by now. */
function checkedOf(
  answers: readonly Answer[],
  latest: ReadonlyMap<string, Checked>,
): readonly Checked[] {
  return answers.map(({ request, checked }) => latest.get(request) ?? checked)
}

/** A request that goes back to an older step loses what newer ones had shown. */
function marked(marks: readonly Mark[], mark: Mark): readonly Mark[] {
  return [...marks.filter(({ hops }) => hops < mark.hops), mark]
}

/** The answer is what the head made of the last hop. */
function lastMarked(marks: readonly Mark[], { route, probabilities }: Answer): readonly Mark[] {
  return marked(marks, { hops: route.length, probabilities: probabilities[0] ?? [] })
}

function receiptOf(manifest: Manifest, image: Tensor, answers: readonly Answer[]): Receipt {
  return {
    format: RECEIPT_FORMAT,
    release: releaseId(manifest),
    name: manifest.name,
    ...(keepsOrder(manifest.spec) ? { order: 'own' } : {}),
    createdAt: new Date().toISOString(),
    wireDtype: WIRE_DTYPE,
    image,
    runs: answers.map(({ route, rounds, missingLayers, logits, probabilities, totalMs }) => ({
      route,
      ...(rounds.length === 0 ? {} : { rounds }),
      missingLayers,
      logits: logits[0] ?? [],
      probabilities: probabilities[0] ?? [],
      totalMs,
    })),
  }
}
