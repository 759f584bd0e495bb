import * as production from '@layerswarm/swarm'
import { describe, expect, test } from 'vitest'
import { SCENARIO_NAMES, scenarioSettings } from './scenarios.ts'
import {
  aboutSetting,
  PROTOCOL_SETTINGS,
  protocolOf,
  SETTING_NAMES,
  SETTINGS_DEFAULT,
} from './settings.ts'

const constants = production as unknown as Readonly<Record<string, unknown>>

/** What gossip costs on a link or a processor: no decision of the protocol. */
const COSTS = ['gossip.queueMs', 'gossip.overheadBytes', 'gossip.messageMs']

describe('the protocol of a simulated world', () => {
  test.each(PROTOCOL_SETTINGS)('is production’s: $name is $is', ({ name, is }) => {
    const value = constants[is]
    expect(['number', 'boolean']).toContain(typeof value)
    expect(SETTINGS_DEFAULT[name]).toBe(Number(value))
  })

  test('is all of what gossips, makes lanes, streams and decides: none of it is a mere number', () => {
    const mirrored = new Set(PROTOCOL_SETTINGS.map(({ name }) => name))
    const left = SETTING_NAMES.filter(
      (name) => /^(policy|gossip|lanes|streams)\./.test(name) && !mirrored.has(name),
    )
    expect(left).toEqual(COSTS)
  })

  test('is changed by no scenario', () => {
    const changed = SCENARIO_NAMES.filter(
      (name) => protocolOf(scenarioSettings(name)) !== "production's protocol",
    )
    expect(changed).toEqual([])
  })

  test('says by name and value what is not as it ships', () => {
    expect(protocolOf(SETTINGS_DEFAULT)).toBe("production's protocol")
    const set = { 'lanes.peers': 0, 'policy.inlineBytes': 512, 'links.loss': 0.3 }
    expect(protocolOf(scenarioSettings('calm', set))).toBe(
      "not production's protocol: lanes.peers = 0 (24), policy.inlineBytes = 512 (1024); in parentheses what ships",
    )
  })
})

test('every setting says what it means', () => {
  for (const name of SETTING_NAMES) expect(aboutSetting(name).length).toBeGreaterThan(5)
})
