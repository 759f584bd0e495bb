import { parseReceipt, receiptText } from '@layerswarm/model'
import type { PeerEvent } from '@layerswarm/peer'
import type { Answer, Classification, Hop, PeerId, Progress, RequestId } from '@layerswarm/swarm'
import { describe, expect, test } from 'vitest'
import { type Asker, createClassifier } from './classifier.ts'
import { grayPixels, type Picture } from './logic/picture.ts'
import type { Run } from './run.ts'
import { testManifest } from './test-release.ts'

const REQUEST = '00'.repeat(16) as RequestId
const hop = (layer: number): Hop => ({
  layer,
  peer: 'peer' as PeerId,
  backend: 'reference',
  ms: 1,
})

/** A request of which the test decides how it goes on. */
class Request implements Classification {
  readonly request = REQUEST
  readonly answer: Promise<Answer>
  cancelled = false
  #resolve: (answer: Answer) => void = () => {}
  #reject: (error: Error) => void = () => {}
  #listener: (progress: Progress) => void = () => {}

  constructor() {
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  onProgress(listener: (progress: Progress) => void) {
    this.#listener = listener
    return () => {}
  }

  cancel() {
    this.cancelled = true
    this.#reject(new Error('cancelled'))
  }

  progress(layers: number[], probabilities: number[] | undefined) {
    const rows = probabilities === undefined ? undefined : [probabilities]
    const scoredHops = rows === undefined ? 0 : layers.length
    const route = layers.map(hop)
    this.#listener({ request: REQUEST, route, rounds: [], probabilities: rows, scoredHops })
  }

  finish(layers: number[], probabilities: number[], missingLayers: number[]) {
    this.#resolve({
      request: REQUEST,
      logits: [probabilities],
      probabilities: [probabilities],
      route: layers.map(hop),
      rounds: [],
      missingLayers,
      checked: { layers: [], doubted: [] },
      totalMs: 7,
    })
  }

  fail(line: string) {
    this.#reject(new Error(line))
  }
}

const picture: Picture = {
  source: 'sample',
  name: 'Sample 1',
  pixels: grayPixels(new Uint8Array(16).fill(200), 4, 4),
  trueClass: 1,
}

/** Lets promises that are already decided take their effect. */
async function settle() {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

function setting() {
  const runs: Run[] = []
  const requests: Request[] = []
  const asked: string[] = []
  const listeners = new Set<(event: PeerEvent) => void>()
  const happen = (event: PeerEvent) => {
    for (const listener of listeners) listener(event)
  }
  const asker: Asker = {
    on: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    classify: async () => {
      const request = new Request()
      requests.push(request)
      return request
    },
  }
  const classifier = createClassifier({
    pictureChanged: () => {},
    runChanged: (run) => runs.push(run),
    asked: (request) => asked.push(request),
  })
  return { runs, requests, asked, asker, classifier, happen, listeners, settle }
}

describe('the classifier', () => {
  test('shows hops and probabilities as they come, then the answer', async () => {
    const { runs, requests, asked, asker, classifier, settle } = setting()
    classifier.setManifest(testManifest('one'))
    classifier.setPeer(asker)
    classifier.choose(picture)
    await settle()
    requests[0]?.progress([1], [0.6, 0.4])
    requests[0]?.progress([1, 0], undefined)
    requests[0]?.finish([1, 0], [0.9, 0.1], [])
    await settle()
    const orders = { ended: 0, of: 1 }
    const marks = [{ hops: 1, probabilities: [0.6, 0.4] }]
    const [first, second, third, last] = runs
    expect(first).toEqual({
      stage: 'running',
      route: [],
      probabilities: undefined,
      marks: [],
      orders,
    })
    expect(second).toEqual({
      stage: 'running',
      route: [hop(1)],
      probabilities: [0.6, 0.4],
      marks,
      orders,
    })
    expect(third).toMatchObject({ route: [hop(1), hop(0)], probabilities: [0.6, 0.4], marks })
    expect(last).toMatchObject({
      stage: 'answered',
      route: [hop(1), hop(0)],
      marks: [...marks, { hops: 2, probabilities: [0.9, 0.1] }],
      missingLayers: [],
      ensemble: { mean: [0.9, 0.1], agreeing: 1 },
    })
    expect(runs).toHaveLength(4)
    expect(asked).toEqual([REQUEST])
  })

  test('asks twice, one order after the other, and answers what two agree on', async () => {
    const { runs, requests, asker, classifier, settle } = setting()
    classifier.setManifest(testManifest('one'))
    classifier.setTwice(true)
    classifier.setPeer(asker)
    classifier.choose(picture)
    await settle()
    expect(requests).toHaveLength(1)
    requests[0]?.finish([1, 0], [0.9, 0.1], [])
    await settle()
    expect(requests).toHaveLength(2)
    requests[1]?.finish([0, 1], [0.2, 0.8], [])
    await settle()
    expect(runs.at(-1)).toMatchObject({ stage: 'running', orders: { ended: 2, of: 3 } })
    requests[2]?.finish([1, 0], [0.3, 0.7], [])
    await settle()
    const last = runs.at(-1)
    expect(last).toMatchObject({ stage: 'answered', confirmed: { outcome: 'outvoted' } })
    expect(last?.stage === 'answered' && last.ensemble.mean).toEqual([0.25, 0.75])
    expect(last?.stage === 'answered' && last.receipt.runs).toHaveLength(3)
  })

  test('says whether the model can know what it sees, by the threshold of its release', async () => {
    const { runs, requests, asker, classifier, settle } = setting()
    const [images, falseAlarms] = [100, 0.05]
    const novelty = { score: 'flatness', images, falseAlarms, thresholds: { '1': -0.3 } } as const
    classifier.setManifest(testManifest('one', novelty))
    classifier.setPeer(asker)
    classifier.choose(picture)
    await settle()
    requests[0]?.finish([1, 0], [0.9, 0.1], [])
    await settle()
    expect(runs.at(-1)).toMatchObject({ novelty: { novel: false, threshold: -0.3 } })
    classifier.choose(picture)
    await settle()
    requests[1]?.finish([1, 0], [0.6, 0.4], [])
    await settle()
    expect(runs.at(-1)).toMatchObject({ novelty: { novel: true } })
    classifier.choose(picture)
    await settle()
    requests[2]?.finish([1], [0.6, 0.4], [0])
    await settle()
    // Nothing was measured of answers that lack a layer.
    expect(runs.at(-1)).toMatchObject({ stage: 'answered', novelty: undefined })
  })

  test('says of its answer what was checked afterwards, until the next picture is chosen', async () => {
    const { runs, requests, asker, classifier, happen, listeners, settle } = setting()
    classifier.setManifest(testManifest('one'))
    classifier.setPeer(asker)
    classifier.choose(picture)
    await settle()
    requests[0]?.finish([1, 0], [0.9, 0.1], [])
    await settle()
    expect(runs.at(-1)).toMatchObject({ checked: [{ layers: [], doubted: [] }] })
    const checked = { layers: [1], doubted: [0] }
    happen({ type: 'answer-checked', request: REQUEST, checked })
    expect(runs.at(-1)).toMatchObject({ stage: 'answered', checked: [checked] })
    const told = runs.length
    happen({ type: 'answer-checked', request: 'ff' as RequestId, checked })
    expect(runs).toHaveLength(told)
    classifier.choose(picture)
    expect(listeners.size).toBe(1)
  })

  test('keeps a picture whose asking was ended by leaving, and asks again after joining', async () => {
    const { runs, requests, asker, classifier, settle } = setting()
    classifier.setManifest(testManifest('one'))
    classifier.setPeer(asker)
    classifier.choose(picture)
    await settle()
    requests[0]?.progress([1], [0.6, 0.4])
    classifier.setPeer(undefined)
    await settle()
    expect(requests[0]?.cancelled).toBe(true)
    expect(runs.at(-1)).toMatchObject({
      stage: 'waiting',
      why: expect.stringContaining('joins again'),
    })
    classifier.setPeer(asker)
    await settle()
    requests[1]?.finish([1, 0], [0.9, 0.1], [])
    await settle()
    expect(runs.at(-1)).toMatchObject({ stage: 'answered' })
    // An answer that is there stays when the tab leaves.
    classifier.setPeer(undefined)
    expect(runs.at(-1)).toMatchObject({ stage: 'answered' })
  })

  test('gives a receipt that can be read again, with the image and every order', async () => {
    const { runs, requests, asker, classifier, settle } = setting()
    classifier.setManifest(testManifest('one'))
    classifier.setPeer(asker)
    classifier.setOrders(2)
    classifier.choose(picture)
    await settle()
    requests[0]?.finish([1, 0], [0.9, 0.1], [])
    requests[1]?.finish([0], [0.5, 0.5], [1])
    await settle()
    const last = runs.at(-1)
    if (last?.stage !== 'answered') throw new Error('there is no answer')
    const receipt = parseReceipt(JSON.parse(receiptText(last.receipt)))
    expect(receipt.runs.map(({ route }) => route.map(({ layer }) => layer))).toEqual([[1, 0], [0]])
    expect(receipt.image.shape).toEqual([1, 1, 4, 4])
    expect(last.ensemble.missingLayers).toEqual([1])
  })

  test('answers from the orders that came back when others failed', async () => {
    const { runs, requests, asker, classifier, settle } = setting()
    classifier.setManifest(testManifest('one'))
    classifier.setPeer(asker)
    classifier.setOrders(2)
    classifier.choose(picture)
    await settle()
    requests[0]?.fail('the deadline passed')
    await settle()
    expect(runs.at(-1)).toMatchObject({ stage: 'running', orders: { ended: 1, of: 2 } })
    requests[1]?.finish([0], [0.5, 0.5], [1])
    await settle()
    expect(runs.at(-1)).toMatchObject({ stage: 'answered', missingLayers: [1] })
  })

  test('keeps a picture that was chosen before joining and sends it once in the swarm', async () => {
    const { runs, requests, asker, classifier, settle } = setting()
    classifier.setManifest(testManifest('one'))
    classifier.choose(picture)
    expect(runs.at(-1)?.stage).toBe('waiting')
    classifier.setPeer(asker)
    await settle()
    expect(requests).toHaveLength(1)
    classifier.setPeer(asker)
    await settle()
    expect(requests).toHaveLength(1)
  })

  test('cancels the run before a new choice and hears no more of it', async () => {
    const { runs, requests, asker, classifier, settle } = setting()
    classifier.setManifest(testManifest('one'))
    classifier.setPeer(asker)
    classifier.choose(picture)
    await settle()
    classifier.choose(picture)
    await settle()
    expect(requests.map((request) => request.cancelled)).toEqual([true, false])
    requests[0]?.progress([0], [0.5, 0.5])
    expect(runs.filter((run) => run.stage === 'running' && run.route.length > 0)).toEqual([])
    expect(runs.filter((run) => run.stage === 'failed')).toEqual([])
  })

  test('says in one line why there is no answer, and keeps the route so far', async () => {
    const { runs, requests, asker, classifier, settle } = setting()
    classifier.setManifest(testManifest('one'))
    classifier.setPeer(asker)
    classifier.choose(picture)
    await settle()
    requests[0]?.progress([1], undefined)
    requests[0]?.fail('the deadline passed after 1 hop\nat somewhere')
    await settle()
    expect(runs.at(-1)).toEqual({
      stage: 'failed',
      route: [hop(1)],
      message: 'The deadline passed after 1 hop',
    })
  })

  test('refuses a picture that is none', () => {
    const { runs, asker, classifier } = setting()
    classifier.setManifest(testManifest('one'))
    classifier.setPeer(asker)
    classifier.choose({ ...picture, source: 'file', pixels: { ...picture.pixels, width: 0 } })
    expect(runs.at(-1)).toMatchObject({ stage: 'failed', route: [] })
  })
})
