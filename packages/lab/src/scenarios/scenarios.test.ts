import { describe, expect, test } from 'vitest'
import { SCENARIO_NAMES, scenarioSettings } from './scenarios.ts'

describe('scenarios', () => {
  test('have these names', () => {
    expect(SCENARIO_NAMES).toEqual([
      'calm',
      'tabs',
      'volunteers',
      'harsh',
      'flash-crowd',
      'mass-leave',
      'partition',
      'stragglers20',
      'liars10',
      'liars25',
      'accusers25',
      'withholders25',
      'sybils50',
      'hollow-hosts',
      'flood',
      'attack-crowd',
      'attack-last-hop',
      'attack-era-jump',
      'attack-valid-flood',
      'attack-replay',
      'attack-false-relay',
      'attack-false-lost',
      'attack-hog',
      'attack-fake-presence',
      'only-copy',
      'idle',
      'lanes',
      'vitb-home',
      'lan',
      'vitb-lan',
    ])
  })

  test('that nobody knows are refused with the list', () => {
    expect(() => scenarioSettings('stormy')).toThrow(
      'there is no scenario "stormy"; the scenarios are calm, tabs,',
    )
    expect(() => scenarioSettings('toString')).toThrow('there is no scenario')
  })

  test('lose 39 % of their peers per minute when harsh', () => {
    const { 'churn.scaleMs': scale } = scenarioSettings('harsh')
    expect(1 - Math.exp(-60_000 / scale)).toBeCloseTo(0.39, 2)
  })
})

describe('settings', () => {
  test('change by name, given as text or number', () => {
    const settings = scenarioSettings('calm', { 'links.loss': '0.25', 'peers.count': 7 })
    expect(settings['links.loss']).toBe(0.25)
    expect(settings['peers.count']).toBe(7)
  })

  test('that nobody knows are refused with the list', () => {
    expect(() => scenarioSettings('calm', { 'links.lost': '1' })).toThrow(
      /there is no setting "links\.lost"; the settings are model\.layers, /,
    )
    expect(() => scenarioSettings('calm', { constructor: '1' })).toThrow('there is no setting')
  })

  test.each([
    ['links.loss', '1.5'],
    ['links.loss', ''],
    ['links.loss', 'much'],
    ['gossip.messageMs', '-1'],
    ['churn.scaleMs', 'Infinity'],
  ])('out of range are refused: %s = %s', (name, value) => {
    expect(() => scenarioSettings('calm', { [name]: value })).toThrow(`${name} must be a number`)
  })

  test.each([
    ['model.layers', '0', 1],
    ['peers.count', '1.5', 1],
    ['peers.slots', '0', 1],
    ['gossip.mesh', '2.5', 0],
  ])('that count things are whole: %s = %s', (name, value, low) => {
    expect(() => scenarioSettings('calm', { [name]: value })).toThrow(
      `${name} must be a whole number from ${low} to`,
    )
  })

  test('that are divided by are above 0', () => {
    for (const name of ['churn.shape', 'links.upMbps', 'requests.perMinute'])
      expect(() => scenarioSettings('calm', { [name]: 0 })).toThrow(`${name} must be a number from`)
  })
})
