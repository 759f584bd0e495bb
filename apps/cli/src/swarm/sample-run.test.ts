import type { Tensor } from '@layerswarm/model'
import type { PeerEvent } from '@layerswarm/peer'
import { type Answer, type Classification, type Hop, SwarmError } from '@layerswarm/swarm'
import { describe, expect, test, vi } from 'vitest'
import type { Samples } from '../images/samples.ts'
import { ALONE_MS_MAX } from '../limits.ts'
import { type Asker, type Asking, ask } from './ask.ts'
import { confirmedLine } from './confirmed-line.ts'
import { quantile, reportLines, runSamples, type SampleRunOptions } from './sample-run.ts'

const preprocessing = {
  size: 2,
  channels: 1,
  mean: [0],
  std: [1],
  foreground: 'light',
} as const

/** Two images of 2 × 2 pixels, all dark or all light, with classes 0 and 1. */
const samples: Samples = {
  count: 2,
  size: 2,
  pixels: Uint8Array.of(0, 0, 0, 0, 255, 255, 255, 255),
  labels: Uint8Array.of(0, 1),
}

let named = 0

function answerOf(probabilities: number[], order: number[], missingLayers: number[] = []): Answer {
  const route = order.map((layer) => ({ layer, peer: `p${layer}`, backend: 'ort-node', ms: 1 }))
  return {
    request: `r${named++}` as Answer['request'],
    logits: [],
    probabilities: [probabilities],
    route: route as unknown as Hop[],
    rounds: [],
    missingLayers,
    checked: { layers: [], doubted: [] },
    totalMs: 1,
  }
}

/** A swarm of one function. */
function askerOf(reply: (image: Tensor) => Promise<Answer>) {
  let open = 0
  let openMost = 0
  const listeners = new Set<(event: PeerEvent) => void>()
  const asker: Asker & { manifest: { preprocessing: typeof preprocessing } } = {
    manifest: { labels: ['dark', 'light'], preprocessing },
    snapshot: () => ({ bytes: { tensorsIn: 0, tensorsOut: 0 } }),
    on(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async classify(image) {
      openMost = Math.max(openMost, ++open)
      const answer = reply(image).finally(() => {
        open--
      })
      answer.catch(() => undefined)
      return { answer } as Classification
    },
  }
  const happen = (event: PeerEvent) => {
    for (const listener of listeners) listener(event)
  }
  return { asker, openMost: () => openMost, happen }
}

function asking(orders: number): Asking {
  return { policy: {}, orders, confirm: false }
}

function options(count: number, more: Partial<SampleRunOptions> = {}): SampleRunOptions {
  const { signal } = new AbortController()
  return { count, concurrency: 2, asking: asking(1), signal, progress: () => {}, ...more }
}

/** Says light for light images. */
async function honest(image: Tensor): Promise<Answer> {
  const light = image.data[0] ?? 0
  return answerOf([1 - light, light], light === 1 ? [0, 1] : [1, 0])
}

describe('a run over samples', () => {
  test('counts what was right, in which orders, by which backends', async () => {
    const { asker } = askerOf(honest)
    expect(await runSamples(asker, samples, options(6))).toMatchObject({
      samples: 6,
      answered: 6,
      correct: 6,
      accuracy: 1,
      partial: 0,
      distinctOrders: 2,
      backends: ['ort-node'],
      hopsByBackend: { 'ort-node': 12 },
      hopsByRelease: {},
      failures: {},
    })
  })

  test('counts wrong, partial and failed samples apart', async () => {
    let asked = 0
    const { asker } = askerOf(async () => {
      asked++
      if (asked === 1) throw new SwarmError({ code: 'no-providers' }, 'nobody is there')
      return answerOf([1, 0], [0], asked === 2 ? [1] : [])
    })
    const report = await runSamples(asker, samples, options(4, { concurrency: 1 }))
    expect(report).toMatchObject({
      samples: 4,
      answered: 3,
      correct: 1,
      accuracy: 1 / 3,
      partial: 1,
      failures: { 'no-providers': 1 },
    })
  })

  test('keeps as many samples open as it was told, and reports each end', async () => {
    const { asker, openMost } = askerOf(honest)
    const finished: number[] = []
    const progressed = (number: number): void => void finished.push(number)
    await runSamples(asker, samples, options(9, { concurrency: 3, progressed }))
    expect(openMost()).toBe(3)
    expect(finished).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  test('stops when it is told to', async () => {
    const controller = new AbortController()
    const { asker } = askerOf(honest)
    const progressed = (number: number): void => {
      if (number === 2) controller.abort()
    }
    const report = await runSamples(
      asker,
      samples,
      options(100, { signal: controller.signal, concurrency: 1, progressed }),
    )
    expect(report).toMatchObject({ samples: 100, answered: 2 })
  })

  test('counts what was checked of its answers by the end, and those that are doubted', async () => {
    const given: Answer['request'][] = []
    const { asker, happen } = askerOf(async (image) => {
      const answer = await honest(image)
      given.push(answer.request)
      return { ...answer, checked: { layers: [0], doubted: [] } }
    })
    const progressed = (number: number): void => {
      const [request] = given
      if (number !== 2 || request === undefined) return
      happen({ type: 'answer-checked', request, checked: { layers: [], doubted: [0, 1] } })
    }
    const report = await runSamples(asker, samples, options(3, { concurrency: 1, progressed }))
    expect(report.checked).toEqual({ layers: 2, of: 6, doubted: 1 })
    expect(reportLines(report, { policy: {} })).toContain(
      '2 of 6 layers checked by others; 1 answer DOUBTED, by peers that lied',
    )
  })

  test('does not wait for what is open when it is stopped, and reports the rest', async () => {
    const controller = new AbortController()
    let asked = 0
    const { asker } = askerOf(async (image) => {
      if (++asked <= 3) return honest(image)
      setImmediate(() => controller.abort())
      return new Promise<never>(() => {})
    })
    const report = await runSamples(asker, samples, options(50, { signal: controller.signal }))
    expect(report).toMatchObject({ samples: 50, answered: 3, correct: 3, failures: {} })
  })

  test('ends when nobody has been there for long, and counts what was not asked', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    let asked = 0
    const { asker } = askerOf(async (image) => {
      if (++asked <= 2) return honest(image)
      vi.advanceTimersByTime(ALONE_MS_MAX)
      throw new SwarmError({ code: 'no-providers' }, 'nobody is there')
    })
    const report = await runSamples(asker, samples, options(50, { concurrency: 1 })).finally(() =>
      vi.useRealTimers(),
    )
    expect(report).toMatchObject({
      answered: 2,
      failures: { 'no-providers': 2, 'not-asked': 46 },
    })
  })

  test('without a single answer fails with the first reason', async () => {
    const { asker } = askerOf(() =>
      Promise.reject(new SwarmError({ code: 'no-providers' }, 'nobody is there')),
    )
    await expect(runSamples(asker, samples, options(2))).rejects.toThrow('nobody is there')
  })
})

describe('asking for several orders', () => {
  const image: Tensor = { shape: [1, 1, 2, 2], data: new Float32Array(4) }

  test('averages the answers and forgives a lost one', async () => {
    const replies = [answerOf([0.9, 0.1], [0, 1]), undefined, answerOf([0.2, 0.8], [1], [0])]
    const { asker } = askerOf(async () => {
      const reply = replies.shift()
      if (reply === undefined) throw new SwarmError({ code: 'cancelled' }, 'lost')
      return reply
    })
    const verdict = await ask(asker, image, asking(3))
    expect(verdict.label).toBe('dark')
    expect(verdict.confidence).toBeCloseTo(0.55, 12)
    expect(verdict.orders).toEqual([[0, 1], [1]])
    expect(verdict.hops.map(({ layer }) => layer)).toEqual([0, 1, 1])
    expect(verdict.missingLayers).toEqual([0])
  })

  test('fails with the reason of the first when all are lost', async () => {
    const { asker } = askerOf(() => Promise.reject(new SwarmError({ code: 'cancelled' }, 'lost')))
    await expect(ask(asker, image, asking(2))).rejects.toThrow('lost')
  })
})

describe('a quantile', () => {
  test('is the value of the nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1)
    expect(quantile(hundred, 0.5)).toBe(50)
    expect(quantile(hundred, 0.95)).toBe(95)
    expect(quantile([7], 0.95)).toBe(7)
    expect(quantile([], 0.5)).toBe(0)
  })
})

describe('asking twice', () => {
  const image: Tensor = { shape: [1, 1, 2, 2], data: new Float32Array(4) }
  const twice: Asking = { policy: {}, orders: 1, confirm: true }

  function saying(...rows: number[][]) {
    return askerOf(async () => answerOf(rows.shift() ?? [], [0, 1])).asker
  }

  test('answers what two orders agree on, and says what each said', async () => {
    const verdict = await ask(saying([0.9, 0.1], [0.7, 0.3]), image, twice)
    expect(verdict.label).toBe('dark')
    expect(verdict.confidence).toBeCloseTo(0.8, 12)
    expect(verdict.confirmed).toMatchObject({
      outcome: 'agreed',
      votes: [{ label: 'dark', confidence: 0.9, order: [0, 1] }, { label: 'dark' }],
      sharedPeers: ['p0', 'p1'],
    })
    expect(verdict.confirmed && confirmedLine(verdict.confirmed)).toBe(
      'asked twice, and both agree: dark in the order 0 → 1; dark in the order 0 → 1; 2 peers had a part in more than one',
    )
  })

  test('leaves out of the answer whoever was outvoted', async () => {
    const verdict = await ask(saying([0.99, 0.01], [0.3, 0.7], [0.1, 0.9]), image, twice)
    expect(verdict.label).toBe('light')
    expect(verdict.confidence).toBeCloseTo(0.8, 12)
    expect(verdict.orders).toHaveLength(3)
    expect(verdict.confirmed?.outcome).toBe('outvoted')
  })

  test('is counted over samples', async () => {
    const rows = [
      [1, 0],
      [1, 0],
      [1, 0],
      [0, 1],
      [0, 1],
    ]
    const report = await runSamples(
      saying(...rows),
      samples,
      options(2, { concurrency: 1, asking: twice }),
    )
    expect(report.confirmed).toEqual({ agreed: 1, outvoted: 1 })
    expect(reportLines(report, { policy: {} })).toContain(
      'asked twice: 1 agreed, 1 decided by a third order, 0 split three ways, 0 not confirmed',
    )
  })
})

describe('an answer about what the model cannot know', () => {
  const image: Tensor = { shape: [1, 1, 2, 2], data: new Float32Array(4) }
  const [images, falseAlarms] = [100, 0.05]
  const thresholds = { '1': -1, '2': -0.5 }

  function saying(...rows: number[][]) {
    const answers = rows.map((logits, index): Answer => {
      const isWhole = logits.length === 2
      const answer = answerOf([0.9, 0.1], [0, 1], isWhole ? [] : [index])
      return { ...answer, logits: [logits] }
    })
    const { asker } = askerOf(async () => answers.shift() ?? answerOf([], []))
    const novelty = { score: 'flatness', images, falseAlarms, thresholds } as const
    return { ...asker, manifest: { ...asker.manifest, novelty } }
  }

  test('says so, by one order or by several', async () => {
    expect(await ask(saying([4, 0]), image, asking(1))).toMatchObject({
      ...{ novel: false, novelty: -2, noveltyThreshold: -1 },
    })
    expect(await ask(saying([1, 0]), image, asking(1))).toMatchObject({ novel: true })
    const both = await ask(saying([1.5, 0], [1.5, 0]), image, asking(2))
    expect(both).toMatchObject({ novel: false, novelty: -0.75, noveltyThreshold: -0.5 })
  })

  test('says nothing where layers were missing, or the release does not tell', async () => {
    expect((await ask(saying([1]), image, asking(1))).novel).toBeUndefined()
    const { asker } = askerOf(async () => ({ ...answerOf([1, 0], [0, 1]), logits: [[1, 0]] }))
    expect((await ask(asker, image, asking(1))).novel).toBeUndefined()
  })

  test('is counted over samples', async () => {
    const report = await runSamples(saying([1, 0], [9, 0]), samples, options(2))
    expect(report).toMatchObject({ judged: 2, novel: 1 })
    const lines = reportLines(report, { policy: { rounds: 'auto' } })
    expect(lines).toContain('1 of 2 unlike anything the model was trained on')
    expect(lines).toContain('one layer after another')
  })
})
