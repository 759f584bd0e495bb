import { describe, expect, test } from 'vitest'
import { createByteGate } from './byte-gate.ts'

const never = new AbortController().signal
const turnsOver = () => new Promise((resolve) => setTimeout(resolve, 0))

/** Jobs that end when they are told to. */
function jobs(gate: ReturnType<typeof createByteGate>) {
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  return {
    begun,
    ask: (name: string, bytes: number, signal = never) =>
      gate(
        bytes,
        () => {
          begun.push(name)
          return new Promise<string>((resolve) => ends.set(name, () => resolve(name)))
        },
        signal,
      ),
    async end(name: string) {
      ends.get(name)?.()
      await turnsOver()
    },
  }
}

describe('a gate of 10 bytes', () => {
  test('lets jobs in while they hold no more than that together, in their order', async () => {
    const { ask, begun, end } = jobs(createByteGate(10))
    const all = [ask('a', 6), ask('b', 4), ask('c', 6), ask('d', 1)]
    await turnsOver()
    expect(begun).toEqual(['a', 'b'])
    await end('b')
    expect(begun).toEqual(['a', 'b'])
    await end('a')
    expect(begun).toEqual(['a', 'b', 'c', 'd'])
    await end('c')
    await end('d')
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd'])
  })

  test('lets a larger job run alone', async () => {
    const { ask, begun, end } = jobs(createByteGate(10))
    const all = [ask('small', 1), ask('large', 30), ask('other', 1)]
    await turnsOver()
    expect(begun).toEqual(['small'])
    await end('small')
    expect(begun).toEqual(['small', 'large'])
    await end('large')
    await end('other')
    await Promise.all(all)
  })

  test('goes on after a job that fails', async () => {
    const gate = createByteGate(10)
    const fails = async () => {
      throw new Error('lost')
    }
    await expect(gate(10, fails, never)).rejects.toThrow('lost')
    expect(await gate(10, async () => 1, never)).toBe(1)
  })

  test('never begins what is given up while it waits, and lets in what waited behind it', async () => {
    const { ask, begun, end } = jobs(createByteGate(10))
    const stop = new AbortController()
    const first = ask('first', 8)
    const given = ask('given up', 8, stop.signal)
    const last = ask('last', 2)
    await turnsOver()
    stop.abort(new Error('not wanted any more'))
    await expect(given).rejects.toThrow('not wanted any more')
    expect(begun).toEqual(['first', 'last'])
    await end('first')
    await end('last')
    await Promise.all([first, last])
    await expect(ask('late', 1, stop.signal)).rejects.toThrow('not wanted any more')
    expect(begun).toEqual(['first', 'last'])
  })
})
