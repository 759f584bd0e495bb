import { describe, expect, test } from 'vitest'
import { PeerError } from '../errors.ts'
import { JOIN_RETRIES_MAX, JOIN_RETRY_MS, JOIN_RETRY_MS_MAX } from '../limits.ts'
import { joinRetry } from './join-retry.ts'

const away = new PeerError({ code: 'unreachable', url: 'http://a/' }, 'http://a/ does not answer.')

describe('whoever could not join', () => {
  test('waits twice as long each time, up to a bound, and gives up after some', () => {
    const waits = Array.from(
      { length: JOIN_RETRIES_MAX },
      (_, failures) => joinRetry(away, failures, () => 0.5)?.waitMs,
    )
    expect(waits.slice(0, 3)).toEqual([JOIN_RETRY_MS, 2 * JOIN_RETRY_MS, 4 * JOIN_RETRY_MS])
    expect(Math.max(...waits.map(Number))).toBe(JOIN_RETRY_MS_MAX)
    expect(joinRetry(away, JOIN_RETRIES_MAX)).toBeUndefined()
  })

  test('does not come back with all the others at once', () => {
    expect(joinRetry(away, 0, () => 0)?.waitMs).toBe(JOIN_RETRY_MS / 2)
    expect(joinRetry(away, 0, () => 1)?.waitMs).toBe(1.5 * JOIN_RETRY_MS)
  })

  test('says why, when and how often', () => {
    expect(joinRetry(away, 2, () => 0.5)?.line).toBe(
      `http://a/ does not answer; trying again in 4 s (3 of ${JOIN_RETRIES_MAX})`,
    )
  })

  test.each([
    new PeerError({ code: 'private-swarm' }, 'this swarm is private'),
    new PeerError({ code: 'bad-join-url', join: 'x' }, 'no URL'),
    new PeerError({ code: 'stopped' }, 'stopped'),
    new TypeError('x is not a function'),
    'text',
  ])('does not try again what no waiting mends', (error) => {
    expect(joinRetry(error, 0)).toBeUndefined()
  })
})
