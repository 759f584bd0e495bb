import { expect, test, vi } from 'vitest'
import { tellAll } from './listeners.ts'

test('a listener that throws is reported as uncaught, and the others hear all the same', () => {
  const later: (() => void)[] = []
  vi.stubGlobal('queueMicrotask', (act: () => void) => later.push(act))
  const heard: number[] = []
  const broken = () => {
    throw new Error('broken')
  }
  tellAll<number>([broken, (event) => heard.push(event)], 7)
  vi.unstubAllGlobals()
  expect(heard).toEqual([7])
  expect(later).toHaveLength(1)
  expect(later[0]).toThrow('broken')
})
