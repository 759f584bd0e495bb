import { afterAll, describe, expect, test } from 'vitest'
import { createCpuEngine } from './engine/cpu-engine.ts'
import { zeroTensor } from './engine/train-engine.ts'
import { type Mender, mend, menderLayout, trainMender, writeMenderGraph } from './mender.ts'
import { createRandom } from './random.ts'

const [ROWS, INPUTS, CLASSES] = [4, 5, 3]
const engine = createCpuEngine(1)
afterAll(() => engine.close())

const random = createRandom(9, 'mender')
const drawn = (length: number): Float32Array =>
  Float32Array.from({ length }, () => random.gaussian())

describe('a mender', () => {
  test('has the loss and the gradients of finite differences of its plain loops', async () => {
    const layout = menderLayout(INPUTS, CLASSES)
    const weights = drawn(layout.elements).map((value) => value * 0.5)
    const mender: Mender = { inputs: INPUTS, classes: CLASSES, layout, weights }
    const [inputs, logits] = [drawn(ROWS * INPUTS), drawn(ROWS * CLASSES)]
    const labels = [2, 0, 1, 1]
    const lossOf = (): number => {
      const mended = mend(mender, inputs, logits)
      return labels.reduce((sum, label, row) => {
        const own = mended.subarray(row * CLASSES, (row + 1) * CLASSES)
        const total = Math.log(own.reduce((all, value) => all + Math.exp(value), 0))
        return sum + (total - (own[label] as number)) / ROWS
      }, 0)
    }

    const tensors = layout.parts.flatMap((part) => part.tensors)
    const parameters = Object.fromEntries(
      tensors.map(({ name, shape, offset, elements }) => [
        name,
        { shape, data: weights.subarray(offset, offset + elements) },
      ]),
    )
    const gradients = new Map(tensors.map(({ name, shape }) => [name, zeroTensor(shape)]))
    const loss = zeroTensor([])
    const targets = zeroTensor([ROWS, CLASSES])
    for (const [row, label] of labels.entries()) targets.data[row * CLASSES + label] = 1
    const graph = await engine.compile((writer) =>
      writeMenderGraph(writer, layout, ROWS, INPUTS, CLASSES),
    )
    await graph.run(
      {
        ...parameters,
        inputs: { shape: [ROWS, INPUTS], data: inputs },
        logits: { shape: [ROWS, CLASSES], data: logits },
        targets,
      },
      {
        loss,
        ...Object.fromEntries([...gradients].map(([name, tensor]) => [`gradient.${name}`, tensor])),
      },
    )
    await graph.close()
    expect(loss.data[0]).toBeCloseTo(lossOf(), 5)
    for (const { name, offset, elements } of tensors) {
      const found = gradients.get(name)?.data ?? new Float32Array()
      const scale = Math.max(...found.map(Math.abs), 0.01)
      for (let i = 0; i < elements; i++) {
        const kept = weights[offset + i] as number
        weights[offset + i] = kept + 0.01
        const [above, high] = [weights[offset + i] as number, lossOf()]
        weights[offset + i] = kept - 0.01
        const [below, low] = [weights[offset + i] as number, lossOf()]
        weights[offset + i] = kept
        const difference = Math.abs((high - low) / (above - below) - (found[i] as number)) / scale
        expect(difference, `${name}[${i}]`).toBeLessThan(1e-3)
      }
    }
  })

  test('learns what is wrong with answers, and the same from the same seed', async () => {
    const count = 640
    // The first input says which class the logits are silent of.
    const labels = Array.from({ length: count }, () => random.below(CLASSES))
    const inputs = Float32Array.from({ length: count * 2 }, (_, at) =>
      at % 2 === 0 ? (labels[at / 2] as number) - 1 : random.gaussian(),
    )
    const answers = { inputs, logits: new Float32Array(count * CLASSES), labels }
    const training = { batch: 32, epochs: 20, learningRate: 0.01, seed: 1 }
    const mender = await trainMender(engine, answers, training)
    const mended = mend(mender, inputs, answers.logits)
    const right = labels.filter((label, row) => {
      const own = [...mended.subarray(row * CLASSES, (row + 1) * CLASSES)]
      return own.indexOf(Math.max(...own)) === label
    })
    expect(right.length).toBeGreaterThan(0.95 * count)
    const again = await trainMender(engine, answers, training)
    expect(again.weights).toEqual(mender.weights)
  })

  test('changes nothing before it has learnt', async () => {
    const answers = { inputs: drawn(6), logits: drawn(6), labels: [0, 1] }
    const training = { batch: 2, epochs: 0, learningRate: 0.01, seed: 1 }
    const mender = await trainMender(engine, answers, training)
    expect(mend(mender, answers.inputs, answers.logits)).toEqual(answers.logits)
  })
})
