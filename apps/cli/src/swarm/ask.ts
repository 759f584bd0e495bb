import { argmax, type Manifest, noveltyVerdict, type Tensor } from '@layerswarm/model'
import type { Peer } from '@layerswarm/peer'
import {
  type Answer,
  type Checked,
  type Classification,
  type ClassifyPolicy,
  type Confirmation,
  confirm,
  fullTours,
  type Hop,
} from '@layerswarm/swarm'
import type { TensorCounter } from './rounds-report.ts'

/** Whoever can put a request to a swarm: a peer, or a stand-in for one. */
export interface Asker extends Pick<Peer, 'on'>, TensorCounter {
  readonly manifest: Pick<Manifest, 'labels' | 'novelty'>
  classify(image: Tensor, policy: Partial<ClassifyPolicy>): Promise<Classification>
}

/** How often an image is asked about. */
export interface Asking {
  readonly policy: Partial<ClassifyPolicy>
  /** Independent requests at once, averaged. */
  readonly orders: number
  /** Instead: in two disjoint orders one after the other, and in a third when they disagree. */
  readonly confirm: boolean
}

/** What became of asking twice. */
export interface Confirmed {
  readonly outcome: Confirmation['outcome']
  /** What each order said by itself, in the order in which they were asked. */
  readonly votes: readonly {
    readonly label: string
    readonly confidence: number
    readonly order: readonly number[]
  }[]
  /** Peers that had a part in more than one of them. */
  readonly sharedPeers: readonly string[]
  /** Why one was not answered; undefined where all were. */
  readonly failure: string | undefined
}

/** One answer for a person, put together from one request or several. */
export interface Verdict {
  readonly label: string
  /** Index of the label. */
  readonly class: number
  readonly confidence: number
  /** One per class, averaged over the requests, of those that were asked twice over those that agree. */
  readonly probabilities: readonly number[]
  /** Unlike anything that the model was trained on; undefined where the release does not tell. */
  readonly novel: boolean | undefined
  /** What that goes by, and from when on it is. */
  readonly novelty: number | undefined
  readonly noveltyThreshold: number | undefined
  /** Of all requests, one after the other. */
  readonly hops: readonly Hop[]
  /** The layers of each request in the order in which they were applied. */
  readonly orders: readonly (readonly number[])[]
  /** How many of them each request ran at once, round by round; empty for one after another. */
  readonly rounds: readonly (readonly number[])[]
  /** Layers that some request had to do without. */
  readonly missingLayers: readonly number[]
  /** The name of each request, and what others had run again of it when it was answered. */
  readonly requests: readonly Answer['request'][]
  readonly checked: readonly Checked[]
  /** Of the whole, however often it was asked about. */
  readonly totalMs: number
  /** Undefined where it was not asked twice. */
  readonly confirmed: Confirmed | undefined
}

/**
 * Puts one image to a swarm as often as is wanted, and averages what comes back: independent orders err
 * differently.
 * @throws SwarmError of the first request when none is answered.
 */
export async function ask(asker: Asker, image: Tensor, asking: Asking): Promise<Verdict> {
  const startMs = performance.now()
  const { answers, believed, confirmed } = asking.confirm
    ? await askTwice(asker, image, asking)
    : await askAtOnce(asker, image, asking)
  const probabilities = average(believed)
  const best = argmax(probabilities)
  const judged = noveltyVerdict(asker.manifest.novelty, fullTours(answers))
  return {
    label: labelOf(asker, best),
    class: best,
    confidence: probabilities[best] ?? 0,
    probabilities,
    novel: judged?.novel,
    novelty: judged?.score,
    noveltyThreshold: judged?.threshold,
    hops: answers.flatMap(({ route }) => route),
    orders: answers.map(orderOf),
    rounds: answers.map(({ rounds }) => rounds),
    missingLayers: [...new Set(answers.flatMap(({ missingLayers }) => missingLayers))].toSorted(
      (a, b) => a - b,
    ),
    requests: answers.map(({ request }) => request),
    checked: answers.map(({ checked }) => checked),
    totalMs: performance.now() - startMs,
    confirmed,
  }
}

/** The same asker; tells how many layers have run on a request whenever it hears of it. */
export function overheard(asker: Asker, applied: (layers: number) => void): Asker {
  return {
    manifest: asker.manifest,
    on: (listener) => asker.on(listener),
    snapshot: () => asker.snapshot(),
    async classify(image, policy) {
      const classification = await asker.classify(image, policy)
      classification.onProgress(({ route }) => applied(route.length))
      return classification
    },
  }
}

interface Asked {
  readonly answers: readonly Answer[]
  /** Those of them that say what is answered. */
  readonly believed: readonly Answer[]
  readonly confirmed: Confirmed | undefined
}

async function askAtOnce(asker: Asker, image: Tensor, { policy, orders }: Asking): Promise<Asked> {
  const requests = Array.from({ length: orders }, async () => {
    const { answer } = await asker.classify(image, policy)
    return answer
  })
  const settled = await Promise.allSettled(requests)
  const answers = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failure = settled.find((one) => one.status === 'rejected')
  if (answers.length === 0 && failure !== undefined) throw failure.reason
  return { answers, believed: answers, confirmed: undefined }
}

async function askTwice(asker: Asker, image: Tensor, { policy }: Asking): Promise<Asked> {
  const once = async (one: Partial<ClassifyPolicy>) => {
    const { answer } = await asker.classify(image, one)
    return answer
  }
  const { answers, believed, ...found } = await confirm(once, policy)
  const votes = answers.map((answer) => {
    const [row = []] = answer.probabilities
    const best = argmax(row)
    return { label: labelOf(asker, best), confidence: row[best] ?? 0, order: orderOf(answer) }
  })
  return { answers, believed, confirmed: { ...found, votes } }
}

function labelOf({ manifest }: Asker, index: number): string {
  return manifest.labels[index] ?? `class ${index}`
}

/** Its layers in the order in which they were applied. */
function orderOf({ route }: Answer): number[] {
  return route.map(({ layer }) => layer)
}

/** Mean over the answers of the first image's probabilities. */
function average(answers: readonly Answer[]): number[] {
  const [first = []] = answers[0]?.probabilities ?? []
  return first.map(
    (_, index) =>
      answers.reduce((sum, { probabilities: [row = []] }) => sum + (row[index] ?? 0), 0) /
      answers.length,
  )
}
