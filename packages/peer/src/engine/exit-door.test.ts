import { createReferenceEngine, parseModelSpec, randomModel, randomTensor } from '@layerswarm/model'
import { describe, expect, test } from 'vitest'
import { exitDoor, openBehindDoor } from './exit-door.node.ts'

const spec = parseModelSpec({
  variant: 'shuffle',
  imageSize: 8,
  patchSize: 4,
  channels: 1,
  width: 8,
  layers: 1,
  heads: 2,
  mlpWidth: 16,
  classes: 3,
  layerNormEps: 1e-6,
})
const image = randomTensor([1, 1, 8, 8], 5)
const stem = [...randomModel(spec, 2)].find(([part]) => part === 'stem')?.[1] as Uint8Array

// That a process waits for it on its way out is shown on real ones, in test/commands/interruption.test.ts.
describe('an engine behind a door', () => {
  test('computes as it does without one, and is seen to run', async () => {
    const { door, forget } = exitDoor()
    const bare = createReferenceEngine(spec)
    const seen: number[] = []
    const engine = await openBehindDoor(door, async () => ({
      ...bare,
      name: bare.name,
      viewsFiles: bare.viewsFiles,
      load: async (...part) =>
        void seen.push(door.running[0] ?? -1, Number(await bare.load(...part))),
      run: async (...call) => {
        seen.push(door.running[0] ?? -1)
        return bare.run(...call)
      },
    }))
    await engine.load('stem', stem)
    expect(await engine.run('stem', image, 0)).toEqual(await bare.run('stem', image, 0))
    expect([seen[0], seen.at(-1), door.running[0]]).toEqual([1, 1, 0])
    forget()
  })

  test('is not counted any more when a call of it fails', async () => {
    const { door, forget } = exitDoor()
    const engine = await openBehindDoor(door, async () => createReferenceEngine(spec))
    await expect(engine.run('stem', image, 0)).rejects.toMatchObject({ code: 'not-loaded' })
    expect(door.running[0]).toBe(0)
    forget()
  })

  test('begins nothing once the process exits', async () => {
    const { door, forget } = exitDoor()
    let runs = 0
    const engine = await openBehindDoor(door, async () => ({
      ...createReferenceEngine(spec),
      run: async () => {
        runs++
        return image
      },
    }))
    Atomics.store(door.shut, 0, 1)
    const late = engine.run('stem', image, 0)
    const soon = new Promise((resolve) => setImmediate(resolve, 'nothing yet'))
    expect([await Promise.race([late, soon]), runs, door.running[0]]).toEqual(['nothing yet', 0, 0])
    forget()
  })

  test('has the process listened to once, and no longer than there are doors', () => {
    const before = process.listenerCount('exit')
    const doors = [exitDoor(), exitDoor()]
    expect(process.listenerCount('exit')).toBe(before + 1)
    for (const { forget } of doors) {
      forget()
      forget()
    }
    expect(process.listenerCount('exit')).toBe(before)
  })
})
