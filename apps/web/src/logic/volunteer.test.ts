import { expect, test } from 'vitest'
import { HIDDEN_PAUSE_MS } from '../limits.ts'
import { minuteOf, PAUSE_RULES_DEFAULT, parseRules, pauseReason } from './pause-rules.ts'
import { addTotals, NO_RECORD, parseRecord, recordText, thanksText } from './record.ts'

const visit = { images: 3, layerRuns: 12, bytes: 34_000, ms: 65_000 }
const nothing = { images: 0, layerRuns: 0, bytes: 0, ms: 0 }

test('what two tabs give on two days adds up', () => {
  const first = addTotals(NO_RECORD, visit, nothing, '2026-11-26')
  const same = addTotals(first, { ...visit, images: 4 }, visit, '2026-11-26')
  const next = addTotals(same, visit, nothing, '2026-11-27')
  expect(next).toMatchObject({ images: 7, layerRuns: 24, days: 2, lastDay: '2026-11-27' })
  expect(recordText(next)).toBe(
    'This device so far: 7 images helped, 24 layers run, 68 kB, 2 min, on 2 days.',
  )
  expect(parseRecord(JSON.stringify(next))).toEqual(next)
})

test('a record that somebody has edited counts nothing that makes no sense', () => {
  const odd = JSON.stringify({ images: -1, bytes: 'many', days: 1e9, lastDay: '<b>' })
  expect(parseRecord(odd)).toMatchObject({ images: 0, bytes: 0, lastDay: '' })
  for (const bad of [null, '', 'nonsense', '7', '[]', 'null'])
    expect(parseRecord(bad)).toEqual(NO_RECORD)
})

test('whoever ran a layer is thanked, and nobody else', () => {
  expect(thanksText(visit)).toContain('Thank you. This visit: 3 images helped')
  expect(thanksText(nothing)).toBeUndefined()
})

const awake = { onBattery: false, isMetered: false, hiddenMs: 0, minute: 12 * 60 }

test('a tab rests by the rules that were chosen, and by no others', () => {
  const rules = PAUSE_RULES_DEFAULT
  expect(pauseReason(rules, awake)).toBeUndefined()
  expect(pauseReason(rules, { ...awake, onBattery: true })).toContain('battery')
  expect(pauseReason({ ...rules, battery: false }, { ...awake, onBattery: true })).toBeUndefined()
  expect(pauseReason(rules, { ...awake, isMetered: true })).toContain('metered')
  const hidden = { ...awake, hiddenMs: HIDDEN_PAUSE_MS }
  expect(pauseReason(rules, hidden)).toBeUndefined()
  expect(pauseReason({ ...rules, hidden: true }, hidden)).toContain('looked')
})

test('hours may go over midnight', () => {
  const night = { ...PAUSE_RULES_DEFAULT, hours: { from: 22 * 60, to: 6 * 60 } }
  expect(pauseReason(night, { ...awake, minute: 23 * 60 })).toBeUndefined()
  expect(pauseReason(night, { ...awake, minute: 5 * 60 })).toBeUndefined()
  expect(pauseReason(night, awake)).toBe('Resting until 22:00, as you chose.')
  expect(minuteOf('22:05')).toBe(1325)
  expect(minuteOf('25:00')).toBeUndefined()
})

test('rules come back as they were kept, nonsense as the default', () => {
  const rules = { ...PAUSE_RULES_DEFAULT, battery: false, hours: { from: 0, to: 60 } }
  expect(parseRules(JSON.stringify(rules))).toEqual(rules)
  for (const bad of [null, '{', '{"battery":3,"hours":{"from":-1,"to":"x"}}'])
    expect(parseRules(bad)).toEqual(PAUSE_RULES_DEFAULT)
})
