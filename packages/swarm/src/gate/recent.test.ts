import { expect, test } from 'vitest'
import { Recent } from './recent.ts'

test('remembers at most so many, and of those the half that was used last', () => {
  const recent = new Recent<number>(8)
  for (let name = 0; name < 100; name++) {
    recent.set(String(name), name)
    for (let used = Math.max(0, name - 3); used <= name; used++)
      expect(recent.get(String(used))).toBe(used)
  }
  const kept = Array.from({ length: 100 }, (_, name) => recent.get(String(name))).filter(
    (value) => value !== undefined,
  )
  expect(kept.length).toBeLessThanOrEqual(8)
})

test('keeps what is asked for again and again, whatever else comes', () => {
  const recent = new Recent<number>(4)
  recent.set('kept', 1)
  for (let name = 0; name < 100; name++) {
    recent.set(String(name), name)
    expect(recent.get('kept')).toBe(1)
  }
  expect(recent.get('0')).toBeUndefined()
})

test('gives the newest value of a name', () => {
  const recent = new Recent<number>(8)
  recent.set('a', 1)
  expect(recent.get('a')).toBe(1)
  recent.set('a', 2)
  expect(recent.get('a')).toBe(2)
})
