import { tensor } from '@layerswarm/model'
import { type Classification, type ClassifyPolicy, SwarmError } from '@layerswarm/swarm'
import { describe, expect, test, vi } from 'vitest'
import { CliError } from '../cli-error.ts'
import { ALONE_MS_MAX } from '../limits.ts'
import { classifyFiles } from './classify-files.ts'

const image = tensor([1, 1, 1, 1], new Float32Array(1))
const answered = {
  answer: {
    probabilities: [[0.25, 0.75]],
    logits: [],
    route: [],
    rounds: [],
    missingLayers: [2],
    checked: { layers: [1], doubted: [] },
  },
  onProgress(listener: (progress: { route: unknown[] }) => void) {
    listener({ route: [{}] })
    return () => undefined
  },
} as unknown as Classification

function ask(
  paths: readonly string[],
  {
    classify = async () => answered,
    policy = {},
    signal = new AbortController().signal,
  }: {
    classify?: () => Promise<Classification>
    policy?: Partial<ClassifyPolicy>
    signal?: AbortSignal
  } = {},
) {
  const printed: string[] = []
  const logged: string[] = []
  const waitedFor: string[] = []
  const asker = {
    manifest: { labels: ['ape', 'bee'] },
    snapshot: () => ({ bytes: { tensorsIn: 0, tensorsOut: 0 } }),
    classify,
    on: () => () => undefined,
  }
  const classified = classifyFiles(asker, paths, {
    async read(path) {
      if (!path.endsWith('.avif')) return image
      throw new CliError({ code: 'bad-picture', path }, `${path} is no picture`)
    },
    asking: { policy, orders: 1, confirm: false },
    signal,
    print: (line) => void printed.push(line),
    table: ({ rows }) => void printed.push(...rows.map((row) => row.join(' '))),
    log: (line) => void logged.push(line),
    doing: (text) => void waitedFor.push(text),
    progress: (text) => void waitedFor.push(text),
  })
  return { classified, printed, logged, waitedFor }
}

describe('many files', () => {
  test('are answered but for those that cannot be read, which are named', async () => {
    const { classified, printed, logged, waitedFor } = ask(['a.png', 'x.avif', 'b.png'])
    const { answers, failed } = await classified
    expect(answers.map(({ image: path, label }) => [path, label])).toEqual([
      ['a.png', 'bee'],
      ['b.png', 'bee'],
    ])
    const error = { code: 'bad-picture', message: 'x.avif is no picture' }
    expect(failed).toEqual([{ image: 'x.avif', error }])
    expect(logged).toEqual(['x.avif is no picture'])
    expect(waitedFor).toEqual([
      '1 of 3, a.png',
      '1 layer has run',
      '2 of 3, x.avif',
      '3 of 3, b.png',
      '1 layer has run',
    ])
    expect(printed).toEqual([
      expect.stringMatching(/^a\.png: bee, 75\.0 %/),
      'bee 75.0 % ███████████████████████',
      'ape 25.0 % ████████',
      '  without layers 2',
      '  1 of 0 layers checked by others',
      expect.stringMatching(/^b\.png: bee/),
      'bee 75.0 % ███████████████████████',
      'ape 25.0 % ████████',
      '  without layers 2',
      '  1 of 0 layers checked by others',
    ])
  })

  test('with names that a terminal would obey are shown without', async () => {
    const { classified, printed, logged, waitedFor } = ask(['a\u001b[31m\n.png', 'x\u0007.avif'])
    const { answers, failed } = await classified
    expect(printed[0]).toMatch(/^a \[31m \.png: bee/)
    expect(logged).toEqual(['x .avif is no picture'])
    expect(waitedFor).toContain('1 of 2, a [31m .png')
    // Programs get them as they are.
    const images = [...answers, ...failed].map(({ image: path }) => path)
    expect(images).toEqual(['a\u001b[31m\n.png', 'x\u0007.avif'])
  })

  test('are told to have run one layer after another where rounds were asked for', async () => {
    const printed = async (rounds: ClassifyPolicy['rounds']) => {
      const asked = ask(['a.png'], { policy: { rounds } })
      await asked.classified
      return asked.printed.filter((line) => line.includes('after another'))
    }
    expect(await printed('auto')).toEqual(['  one layer after another'])
    expect(await printed('off')).toEqual([])
  })

  test('are asked about though nobody answered for one of them', async () => {
    let asked = 0
    const classify = async () => {
      if (asked++ === 0) throw new Error('nobody answered')
      return answered
    }
    const { classified, logged } = ask(['a.png', 'b.png'], { classify })
    expect((await classified).answers).toHaveLength(1)
    expect(logged).toEqual(['a.png: nobody answered'])
  })

  test('are not asked about any more when nobody has been there for long', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const classify = async () => {
      vi.advanceTimersByTime(ALONE_MS_MAX / 2)
      throw new SwarmError({ code: 'no-providers' }, 'nobody hosts a layer')
    }
    const { classified, logged } = ask(['a', 'b', 'c', 'd', 'e'], { classify })
    const { failed } = await classified.finally(() => vi.useRealTimers())
    expect(failed.map(({ image: path, error }) => [path, error.code])).toEqual([
      ['a', 'no-providers'],
      ['b', 'no-providers'],
      ['c', 'no-providers'],
      ['d', 'not-asked'],
      ['e', 'not-asked'],
    ])
    expect(logged.at(-1)).toMatch(/^2 more: not asked: for 30 s nobody/)
  })

  test('that are interrupted leave what was answered by then', async () => {
    const stop = new AbortController()
    let asked = 0
    const classify = async () => {
      if (asked++ === 0) return answered
      setImmediate(() => stop.abort())
      return new Promise<never>(() => {})
    }
    const { classified } = ask(['a.png', 'b.png', 'c.png'], { classify, signal: stop.signal })
    const { answers, failed } = await classified
    expect([answers.length, failed.length, asked]).toEqual([1, 0, 2])
  })
})

test('files that are interrupted before anything came of them are no answer', async () => {
  const signal = AbortSignal.abort(new Error('ctrl-c'))
  for (const paths of [['a.png'], ['a.png', 'b.png']])
    await expect(ask(paths, { signal }).classified).rejects.toThrow('ctrl-c')
})

test('a single file that cannot be read is the error of the command', async () => {
  await expect(ask(['x.avif']).classified).rejects.toThrow('x.avif is no picture')
})
