import { join } from 'node:path'
import type { PolicyName, Route } from '@layerswarm/lab'
import { argmax, type Engine, forward, grayTensor, replayRun, rowsOf } from '@layerswarm/model'
import { createNodeEngine } from '@layerswarm/peer/node'
import { CliError } from '../cli-error.ts'
import { exists } from '../files.ts'
import { readSamples, type Samples, sampleAt } from '../images/samples.ts'
import { releaseFolders, sampleFolder } from '../project-places.ts'
import { readModelFolder } from '../release/release-folder.ts'
import { ROUTES_MAX } from './limits.ts'

/** What runs the layers in the order they were trained in. */
const CHAINED: readonly PolicyName[] = ['in-order', 'fixed-order', 'fixed-order-replay']

const NO_ROUTE: Route = { layers: [], rounds: [] }

/** The shipped models on the shipped samples, run in the orders that a simulation took. */
export interface RouteScorer {
  /** Layers of the shuffled model; routes of other models cannot be scored. */
  readonly layers: number
  /** Which model stands for what, for people. */
  readonly models: readonly string[]
  /**
   * Top-1 from 0 to 1 over at least all samples, in turn with the routes; of more than ROUTES_MAX
   * routes evenly spread ones. Chains run the sequential twin, which is better in its own order; null
   * for a small model when there is none.
   */
  score(routes: readonly Route[], policy: PolicyName): Promise<number | null>
  close(): Promise<void>
}

/**
 * @param small a folder with the model that fits on one peer; the shipped one unless given.
 * @throws CliError when a model or the samples are missing; ModelError when they are damaged.
 */
export async function openRouteScorer(small?: string): Promise<RouteScorer> {
  const [folder] = await releaseFolders([])
  const pack = await sampleFolder()
  if (folder === undefined || pack === undefined) {
    throw new CliError(
      { code: 'not-found', path: join('models', 'samples') },
      'the samples in models/samples are missing: accuracies need them',
    )
  }
  const samples = await readSamples(pack)
  const shuffled = await openModel(folder, samples)
  const opened = [shuffled]
  const open = async (path: string): Promise<ScoredModel> => {
    const model = await openModel(path, samples)
    opened.push(model)
    return model
  }
  const close = async () => void (await Promise.all(opened.map((model) => model.close())))
  try {
    const twin = await ifThere(`${folder}-sequential`)
    const chained = twin === undefined ? shuffled : await open(twin)
    const smallFolder = small ?? (await ifThere(`${folder}-small`))
    const one = smallFolder === undefined ? undefined : await open(smallFolder)
    return {
      layers: shuffled.layers,
      models: [
        `any order: ${shuffled.name}`,
        `chains: ${chained.name}`,
        `one peer: ${one?.name ?? 'no small model (name one with --small DIR)'}`,
      ],
      async score(routes, policy) {
        if (policy === 'small-model')
          return one === undefined ? null : one.score([{ layers: one.sequence, rounds: [] }])
        const isChain = CHAINED.includes(policy)
        return (isChain && chained.layers === shuffled.layers ? chained : shuffled).score(routes)
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function ifThere(folder: string): Promise<string | undefined> {
  return (await exists(join(folder, 'manifest.json'))) ? folder : undefined
}

interface ScoredModel {
  readonly name: string
  readonly layers: number
  /** Its layers in the order they were trained in. */
  readonly sequence: readonly number[]
  /** Top-1; few routes are run on several samples each. */
  score(routes: readonly Route[]): Promise<number>
  close(): Promise<void>
}

async function openModel(folder: string, samples: Samples): Promise<ScoredModel> {
  const { name, spec, parts, preprocessing } = await readModelFolder(folder)
  const prepared = (pixels: Uint8Array) => {
    if (preprocessing !== undefined) return grayTensor(pixels, preprocessing)
    throw new CliError(
      { code: 'bad-file', path: folder },
      `${folder} does not say how pictures become inputs`,
    )
  }
  const engine: Engine = await createNodeEngine('ort-node', spec)
  for (const [part, file] of parts) await engine.load(part, file)
  const known = new Map<string, boolean>()

  async function isRight({ layers, rounds }: Route, image: number): Promise<boolean> {
    const key = `${image % samples.count} ${layers} ${rounds}`
    const before = known.get(key)
    if (before !== undefined) return before
    const { pixels, label } = sampleAt(samples, image)
    const input = prepared(pixels)
    const row =
      rounds.length === 0
        ? rowsOf(await forward(engine, spec, input, layers))[0]
        : await replayRun(engine, spec, { image: input, wireDtype: 'float16' }, layers, rounds)
    const right = row !== undefined && argmax(row) === label
    known.set(key, right)
    return right
  }

  return {
    name,
    layers: spec.layers,
    sequence: Array.from({ length: spec.layers }, (_, layer) => layer),
    async score(routes) {
      const tries = Math.min(Math.max(routes.length, samples.count), ROUTES_MAX)
      let correct = 0
      for (let i = 0; i < tries; i++) {
        const route = routes[Math.floor((i * routes.length) / tries)] ?? NO_ROUTE
        if (await isRight(route, i)) correct++
      }
      return correct / Math.max(1, tries)
    },
    close: () => engine.close(),
  }
}
