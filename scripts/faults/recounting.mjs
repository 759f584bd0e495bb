// Whether answers are what the model itself says, in the order that each of them names.
import { argmax, replayRun } from '@layerswarm/model'
import { createNodeEngine } from '@layerswarm/peer/node'
import { readModelFolder } from '../../apps/cli/dist/release/release-folder.js'

/** As `layerswarm replay` has it: engines differ by 1e-4 of the spread of the class scores, two layers that change places by 5e-3. */
const DIFFERENCE_MAX = 0.002

/** Opens the release in this folder to compute answers again. The caller closes it. */
export async function openRecounting(folder, wireDtype = 'float16') {
  const { spec, parts } = await readModelFolder(folder)
  const engine = await createNodeEngine('ort-node', spec)
  for (const [part, file] of parts) await engine.load(part, file)
  return {
    /** @returns whether the scores are others than the model's, and whether the class is. */
    async compare(image, { route, logits: [claimed] }) {
      const order = route.map(({ layer }) => layer)
      const own = await replayRun(engine, spec, { image, wireDtype }, order)
      const spread = Math.max(...own) - Math.min(...own)
      const largest = Math.max(...claimed.map((logit, i) => Math.abs(logit - own[i])))
      return {
        // Written so that a NaN is wrong too.
        isWrong: !(largest <= DIFFERENCE_MAX * spread),
        isOtherClass: argmax(claimed) !== argmax(own),
      }
    },
    close: () => engine.close(),
  }
}
