import { describe, expect, test } from 'vitest'
import { DIAL_RETRY_MS, PLACE_KEPT_MS, PLACES_MAX } from '../limits.ts'
import { type Place, Places, placeOf } from './places.ts'

const at = (host: string, port = 4001) => ({ port: `${host} ${port}`, host }) satisfies Place
const SILENT = at('192.0.2.1')

/** A place where nobody has answered a dial. */
function afterSilence(nowMs: number): Places {
  const places = new Places()
  places.visit(SILENT, 0).ended('silent', nowMs)
  return places
}

describe('the place of an address', () => {
  test('is its port, and the machine, network or domain of whoever has it', () => {
    expect(placeOf('/ip4/192.0.2.1/tcp/4001/ws/p2p/x')).toEqual({
      port: '192.0.2.1 4001',
      host: '192.0.2.1',
    })
    expect(placeOf('/ip6zone/en0/ip6/2001:DB8::1/tcp/04001')).toEqual({
      port: '2001:db8::1 4001',
      host: '2001:db8:0:0::/64',
    })
    for (const name of ['a.peers.example', 'b.Peers.example'])
      expect(placeOf(`/dns4/${name}/tcp/443/tls/ws`)?.host).toBe('peers.example')
  })

  test('is no host on this machine, and nothing where none is named', () => {
    expect(placeOf('/ip4/127.0.0.1/tcp/4001')).toEqual({ port: '127.0.0.1 4001', host: undefined })
    expect(placeOf('/memory/1')).toBeUndefined()
  })
})

describe('places', () => {
  test('take one dial at a time at a port and on a host where nobody has answered yet', () => {
    const places = new Places()
    expect(places.stateOf(SILENT, 0, false)).toBe('open')
    places.visit(SILENT, 0)
    for (const isUrgent of [false, true]) {
      expect(places.stateOf(SILENT, 1, isUrgent)).toBe('busy')
      expect(places.stateOf(at('192.0.2.1', 4002), 1, isUrgent)).toBe('busy')
      expect(places.stateOf(at('192.0.2.2'), 1, isUrgent)).toBe('open')
    }
  })

  test('bound nothing where somebody answers, many peers behind one proxy included', () => {
    const places = new Places()
    places.visit(SILENT, 0).ended('answered', 1)
    for (let i = 0; i < 60; i++) {
      expect(places.stateOf(SILENT, 1, false)).toBe('open')
      places.visit(SILENT, 1)
    }
  })

  test('double the wait at a port with each silence, for all but those who cannot wait', () => {
    const places = afterSilence(0)
    expect(places.stateOf(SILENT, DIAL_RETRY_MS - 1, false)).toBe('shut')
    expect(places.stateOf(SILENT, DIAL_RETRY_MS - 1, true)).toBe('open')
    expect(places.stateOf(SILENT, DIAL_RETRY_MS, false)).toBe('open')
    places.visit(SILENT, DIAL_RETRY_MS).ended('silent', DIAL_RETRY_MS)
    expect(places.stateOf(SILENT, 3 * DIAL_RETRY_MS - 1, false)).toBe('shut')
    expect(places.stateOf(SILENT, 3 * DIAL_RETRY_MS, false)).toBe('open')
    expect(places.silencesAt(at('192.0.2.1', 4002), 3 * DIAL_RETRY_MS)).toBe(2)
  })

  test('let other ports of a host have their turn as soon as a dial is slow, without a wait', () => {
    const places = new Places()
    const visit = places.visit(SILENT, 0)
    visit.grewSlow(5)
    expect(places.stateOf(SILENT, DIAL_RETRY_MS * 100, false)).toBe('shut')
    expect(places.stateOf(at('192.0.2.1', 4002), 5, false)).toBe('open')
    visit.ended('silent', 15)
    expect(places.silencesAt(SILENT, 15)).toBe(1)
  })

  test('forgive a slow one that answers in the end, and blame nobody for a refusal', () => {
    const places = afterSilence(0)
    places.visit(SILENT, 0).ended('unclear', 0)
    expect(places.silencesAt(SILENT, 0)).toBe(1)
    const visit = places.visit(SILENT, 0)
    visit.grewSlow(5)
    visit.ended('answered', 6)
    expect(places.silencesAt(SILENT, 6)).toBe(0)
    expect(places.stateOf(SILENT, 6, false)).toBe('open')
  })

  test('forget in time, and remember only so many', () => {
    expect(afterSilence(0).silencesAt(SILENT, PLACE_KEPT_MS)).toBe(0)
    const places = afterSilence(0)
    for (let port = 0; port < PLACES_MAX; port++)
      places.visit({ port: `${port}`, host: undefined }, 0).ended('silent', 0)
    expect(places.silencesAt(SILENT, 0)).toBe(0)
  })
})
