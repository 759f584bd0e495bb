import { join } from 'node:path'
import { argmax, type Engine, forward, grayTensor, rowsOf } from '@layerswarm/model'
import { createNodeEngine } from '@layerswarm/peer/node'
import { CliError } from './cli-error.ts'
import { releaseFolders, sampleFolder } from './project-places.ts'
import { readModelFolder } from './release-folder.ts'
import { readSamples, sampleAt } from './samples.ts'

/** Routes that are run for real; more would move the accuracy by less than a point. */
const ROUTES_MAX = 1_000

/** The shipped model on the shipped samples, run in the orders that a simulation took. */
export interface RouteScorer {
  /** Layers of the model; routes of other models cannot be scored. */
  readonly layers: number
  /** Top-1 from 0 to 1, each route on one image; at most ROUTES_MAX of them, evenly spread. */
  score(routes: readonly (readonly number[])[]): Promise<number>
  close(): Promise<void>
}

/** @throws CliError when the model or the samples are missing; ModelError when they are damaged. */
export async function openRouteScorer(): Promise<RouteScorer> {
  const [folder] = await releaseFolders([])
  const pack = await sampleFolder()
  if (folder === undefined || pack === undefined) {
    throw new CliError(
      { code: 'not-found', path: join('models', 'samples') },
      'the samples in models/samples are missing: accuracies need them',
    )
  }
  const { spec, parts, preprocessing } = await readModelFolder(folder)
  if (preprocessing === undefined)
    throw new CliError(
      { code: 'bad-file', path: folder },
      `${folder} does not say how pictures become inputs`,
    )
  const samples = await readSamples(pack)
  const engine: Engine = await createNodeEngine('ort-node', spec)
  for (const [part, file] of parts) await engine.load(part, file)
  return {
    layers: spec.layers,
    async score(routes) {
      const step = Math.max(1, routes.length / ROUTES_MAX)
      let correct = 0
      let tried = 0
      for (let at = 0; at < routes.length; at += step) {
        const { pixels, label } = sampleAt(samples, tried++)
        const image = grayTensor(pixels, preprocessing)
        const [row] = rowsOf(await forward(engine, spec, image, routes[Math.floor(at)] ?? []))
        if (row !== undefined && argmax(row) === label) correct++
      }
      return correct / Math.max(1, tried)
    },
    close: () => engine.close(),
  }
}
