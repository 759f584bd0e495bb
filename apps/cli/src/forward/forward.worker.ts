import { parentPort, workerData } from 'node:worker_threads'
import { forward } from '@layerswarm/model'
import { createNodeEngine, openBehindDoor } from '@layerswarm/peer/node'
import { describeError } from '../cli-error.ts'
import type { ForwardNews, ForwardResult, ForwardThread } from './forward-job.ts'

const tell = (news: ForwardNews) => parentPort?.postMessage(news)

async function run({ job, door }: ForwardThread): Promise<ForwardResult> {
  const { engine: name, spec, parts, images, order } = job
  const engine = await openBehindDoor(door, () => createNodeEngine(name, spec))
  try {
    for (const part of ['stem', 'head', ...order] as const) {
      const file = parts.get(part)
      if (file !== undefined) await engine.load(part, file)
    }
    return { engine: engine.name, logits: await forward(engine, spec, images, order) }
  } finally {
    await engine.close()
  }
}

try {
  // Whoever starts this thread has typed its job.
  tell({ result: await run(workerData as ForwardThread) })
} catch (error) {
  tell({ failed: describeError(error) })
}
