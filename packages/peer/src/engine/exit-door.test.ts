import { createReferenceEngine, randomTensor } from '@layerswarm/model'
import { describe, expect, test } from 'vitest'
import { SMALL_FILES, SMALL_SPEC } from '../compute/test-workers.ts'
import { type ExitDoor, exitDoor, openBehindDoor } from './exit-door.node.ts'

const image = randomTensor([1, 1, 8, 8], 5)
const stem = SMALL_FILES.get('stem') as Uint8Array

function nativeDoor(): { door: ExitDoor; forget(): void } {
  const { door, forget } = exitDoor('ort-node')
  if (door === undefined) throw new Error('an engine of native code has no door')
  return { door, forget }
}

// That a process waits for it on its way out is shown on real ones, in test/commands/interruption.test.ts.
describe('an engine behind a door', () => {
  test('computes as it does without one, and is seen to run', async () => {
    const { door, forget } = nativeDoor()
    const bare = createReferenceEngine(SMALL_SPEC)
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
    const { door, forget } = nativeDoor()
    const engine = await openBehindDoor(door, async () => createReferenceEngine(SMALL_SPEC))
    await expect(engine.run('stem', image, 0)).rejects.toMatchObject({ code: 'not-loaded' })
    expect(door.running[0]).toBe(0)
    forget()
  })

  test('begins nothing once the process exits', async () => {
    const { door, forget } = nativeDoor()
    let runs = 0
    const engine = await openBehindDoor(door, async () => ({
      ...createReferenceEngine(SMALL_SPEC),
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

  test('is only for native code', () => {
    const before = process.listenerCount('exit')
    const { door, forget } = exitDoor('ort-wasm')
    expect([door, process.listenerCount('exit')]).toEqual([undefined, before])
    forget()
  })

  test('has the process listened to once, and no longer than there are doors', () => {
    const before = process.listenerCount('exit')
    const doors = [nativeDoor(), nativeDoor()]
    expect(process.listenerCount('exit')).toBe(before + 1)
    for (const { forget } of doors) {
      forget()
      forget()
    }
    expect(process.listenerCount('exit')).toBe(before)
  })
})
