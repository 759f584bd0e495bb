import { randomBytes } from 'node:crypto'
import { linkWithKey, type SwarmKey, swarmId } from '@layerswarm/swarm'
import { describe, expect, test } from 'vitest'
import { checkMembership, swarmKeyOf } from './swarm-key.ts'

const newKey = () => randomBytes(32).toString('base64url') as SwarmKey
const KEY = newKey()
const OPEN = 'https://swarm.example/'
const LINK = linkWithKey(OPEN, KEY)

describe('the key that a peer joins with', () => {
  test.each([
    ['none', { join: OPEN, swarmKey: undefined }, undefined],
    ['that of its link', { join: LINK, swarmKey: undefined }, KEY],
    ['that of one of its links', { join: [OPEN, LINK, LINK], swarmKey: undefined }, KEY],
    ['that of its options', { join: OPEN, swarmKey: KEY }, KEY],
    ['named twice', { join: LINK, swarmKey: KEY }, KEY],
  ])('is %s', (_, given, key) => expect(swarmKeyOf(given)).toBe(key))

  test.each([
    ['cut off', LINK.slice(0, -1), undefined],
    ['empty', `${OPEN}#key=`, undefined],
    ['with something behind it', `${LINK}&x=1`, undefined],
    ['beside another one', LINK, newKey()],
  ])('is refused %s, in a line that does not tell it', (_, join, swarmKey) => {
    const read = () => swarmKeyOf({ join, swarmKey })
    expect(read).toThrow(expect.objectContaining({ fault: { code: 'bad-swarm-key' } }))
    expect(read).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(KEY.slice(0, 20)) }),
    )
  })
})

describe('a peer that has read what its server says', () => {
  test('goes on when both have the same key, or none', () => {
    expect(() => checkMembership({ swarm: swarmId(KEY) }, KEY)).not.toThrow()
    expect(() => checkMembership({ swarm: undefined }, undefined)).not.toThrow()
  })

  test.each([
    [
      'has no key for a private swarm',
      swarmId(KEY),
      undefined,
      'private-swarm',
      'ask its host for the link with the key',
    ],
    [
      'has the key of another one',
      swarmId(newKey()),
      KEY,
      'bad-swarm-key',
      'ask its host for the present link',
    ],
    [
      'has a key and its server lets everybody in',
      undefined,
      KEY,
      'bad-swarm-key',
      'not the private swarm that you were invited to',
    ],
  ])('says in one line when it %s', (_, swarm, key, code, words) => {
    const check = () => checkMembership({ swarm }, key)
    expect(check).toThrow(expect.objectContaining({ fault: { code } }))
    expect(check).toThrow(words)
  })
})
