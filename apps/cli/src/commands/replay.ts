import { defineCommand } from '../line/command.ts'
import { choice, texts } from '../line/option.ts'

const ENGINES = ['reference', 'ort-node', 'ort-wasm'] as const

/** `layerswarm replay`. A receipt is computed again. */
export const replay = defineCommand({
  name: 'replay',
  summary: 'compute the answer of a receipt again, here, and say whether it agrees',
  begins: 'computing the answer again',
  usage: ['RECEIPT [--model DIR]… [--engine reference|ort-node|ort-wasm]'],
  positionals: { min: 1, max: 1, placeholder: 'one RECEIPT' },
  options: {
    model: texts(
      'DIR',
      'folder of a release that answered, for each where several did (found in models/ by its id)',
    ),
    engine: choice(ENGINES, 'what computes', 'reference'),
  },
  examples: [
    'replay layerswarm-receipt.json',
    'replay layerswarm-receipt.json --model models/fashion-vit --engine ort-node --json',
  ],
  async run({ positionals, values, print, emit }) {
    const { readReceipt, receiptReleases, replayReceipt } = await import(
      '../swarm/receipt-replay.ts'
    )
    const { createNodeEngine } = await import('@layerswarm/peer/node')
    const receipt = await readReceipt(positionals[0] ?? '')
    const release = await receiptReleases(receipt, values.model)
    const engine = await createNodeEngine(values.engine, release.spec)
    try {
      const report = await replayReceipt(engine, release, receipt, print)
      emit({ ...report, engine: engine.name })
    } finally {
      await engine.close()
    }
  },
})
