import { argmax, type Manifest, type Tensor } from '@layerswarm/model'
import type { Peer } from '@layerswarm/peer'
import type { Answer, Checked, Classification, ClassifyPolicy, Hop } from '@layerswarm/swarm'

/** Whoever can put a request to a swarm: a peer, or a stand-in for one. */
export interface Asker extends Pick<Peer, 'on'> {
  readonly manifest: Pick<Manifest, 'labels'>
  classify(image: Tensor, policy: Partial<ClassifyPolicy>): Promise<Classification>
}

/** One answer for a person, put together from one request or several. */
export interface Verdict {
  readonly label: string
  /** Index of the label. */
  readonly class: number
  readonly confidence: number
  /** One per class, averaged over the requests. */
  readonly probabilities: readonly number[]
  /** Of all requests, one after the other. */
  readonly hops: readonly Hop[]
  /** The layers of each request in the order in which they were applied. */
  readonly orders: readonly (readonly number[])[]
  /** Layers that some request had to do without. */
  readonly missingLayers: readonly number[]
  /** The name of each request, and what others had run again of it when it was answered. */
  readonly requests: readonly Answer['request'][]
  readonly checked: readonly Checked[]
  readonly totalMs: number
}

/**
 * Puts one image to a swarm, `orders` times at once, and averages what comes back: independent
 * orders err differently.
 * @throws SwarmError of the first request when none is answered.
 */
export async function ask(
  asker: Asker,
  image: Tensor,
  policy: Partial<ClassifyPolicy>,
  orders: number,
): Promise<Verdict> {
  const startMs = performance.now()
  const requests = Array.from({ length: orders }, async () => {
    const { answer } = await asker.classify(image, policy)
    return answer
  })
  const settled = await Promise.allSettled(requests)
  const answers = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failure = settled.find((one) => one.status === 'rejected')
  if (answers.length === 0 && failure !== undefined) throw failure.reason
  const probabilities = average(answers)
  const best = argmax(probabilities)
  return {
    label: asker.manifest.labels[best] ?? `class ${best}`,
    class: best,
    confidence: probabilities[best] ?? 0,
    probabilities,
    hops: answers.flatMap(({ route }) => route),
    orders: answers.map(({ route }) => route.map(({ layer }) => layer)),
    missingLayers: [...new Set(answers.flatMap(({ missingLayers }) => missingLayers))].toSorted(
      (a, b) => a - b,
    ),
    requests: answers.map(({ request }) => request),
    checked: answers.map(({ checked }) => checked),
    totalMs: performance.now() - startMs,
  }
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
