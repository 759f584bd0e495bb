import { usageError } from '../cli-error.ts'
import { defineCommand } from '../line/command.ts'
import { choice, layerList, requiredText } from '../line/option.ts'

const ENGINES = ['reference', 'ort-node', 'ort-wasm', 'tfjs'] as const

/** `layerswarm forward`. A forward pass here, without a swarm. */
export const forward = defineCommand({
  name: 'forward',
  summary: 'run a model from a folder here, its layers in the order you give',
  begins: 'running the model',
  usage: ['DIR --images FILE.json [--order 2,0,1] [--engine reference|ort-node|ort-wasm|tfjs]'],
  positionals: { min: 1, max: 1, placeholder: 'one DIR' },
  options: {
    images: requiredText(
      'FILE',
      'images (B, channels, H, W): JSON {shape, data}, or an object with such "images"',
    ),
    order: layerList(
      'layers in the order in which they run; leave some out to skip them (all, in sequence)',
    ),
    engine: choice(ENGINES, 'what computes; tfjs takes a graphics device', 'reference'),
  },
  examples: [
    'forward test/vectors/vit-shuffle --images test/vectors/vit-shuffle/expected.json --order 2,0,1',
    'forward models/fashion-vit --images photos.json --engine ort-node --json',
  ],
  async run({ positionals, values, signal, print, emit }) {
    const { argmax, checkOrder, layersOf, ModelError, rowsOf } = await import('@layerswarm/model')
    const { runForward } = await import('../forward/forward-thread.ts')
    const { readModelFolder } = await import('../release/release-folder.ts')
    const { readImages } = await import('../images/image-file.ts')
    const { spec, parts } = await readModelFolder(positionals[0] ?? '')
    const order = values.order ?? layersOf(spec)
    try {
      checkOrder(order, spec)
    } catch (error) {
      throw error instanceof ModelError ? usageError(error.message) : error
    }
    const images = await readImages(values.images)
    const name = values.engine === 'tfjs' ? 'tfjs-webgpu' : values.engine
    const { engine, logits } = await runForward(
      { engine: name, spec, parts, images, order },
      signal,
    )
    const rows = rowsOf(logits)
    for (const [image, row] of rows.entries()) print(`image ${image}: class ${argmax(row)}`)
    emit({ engine, order, logits: rows.map((row) => Array.from(row)) })
  },
})
