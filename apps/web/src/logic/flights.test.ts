import { describe, expect, test } from 'vitest'
import { createFlights } from './flights.ts'

const places = new Map(
  [
    { id: 'self', x: 0, y: 0 },
    { id: 'a', x: 100, y: 0 },
    { id: 'b', x: 0, y: 100 },
  ].map((place) => [place.id, place]),
)
const to = (...stops: [string, number][]) => stops.map(([peer, layer]) => ({ peer, layer }))

function board(legMs = 100) {
  const flights = createFlights(() => legMs)
  flights.place(places)
  return flights
}

describe('the lights of requests', () => {
  test('leave this tab with an own request and reach the peer of its first hop', () => {
    const flights = board()
    flights.seen('r', to(['a', 3]), 'self', 0)
    const [start] = flights.frame(0).lights
    expect(start).toMatchObject({ x: 0, y: 0, layer: 3, own: true })
    const [middle] = flights.frame(50).lights
    expect(middle?.x).toBeGreaterThan(20)
    expect(middle?.x).toBeLessThan(80)
    const arrived = flights.frame(100)
    expect(arrived.lights).toMatchObject([{ x: 100, y: 0, layer: 3 }])
    expect(arrived.trails).toMatchObject([{ from: { x: 0 }, to: { x: 100 }, layer: 3 }])
  })

  test('pulse where the next layer is applied by the same peer', () => {
    const flights = board()
    flights.seen('r', to(['a', 3]), undefined, 0)
    expect(flights.frame(30).lights).toMatchObject([{ x: 100, y: 0, own: false, pulse: 0 }])
    expect(flights.frame(80).lights).toMatchObject([{ pulse: 0.5 }])
  })

  test('hurry when they fall behind, and end where the request is', () => {
    const flights = board()
    flights.seen('r', to(['a', 0], ['b', 1], ['a', 2], ['b', 3]), 'self', 0)
    for (let ms = 0; ms <= 300; ms += 10) flights.frame(ms)
    expect(flights.frame(300).lights).toMatchObject([{ x: 0, y: 100, layer: 3 }])
    expect(flights.frame(300).trails).toHaveLength(4)
  })

  test('rest at this tab before the first hop, and go out at home', () => {
    const flights = board()
    flights.seen('r', [], 'self', 0)
    expect(flights.frame(0).lights).toMatchObject([{ x: 0, y: 0, layer: undefined }])
    expect(flights.isStill(0)).toBe(true)
    flights.seen('r', to(['a', 0]), 'self', 10)
    flights.home('r', 'self', 20)
    for (let ms = 20; ms <= 300; ms += 10) flights.frame(ms)
    expect(flights.frame(300).lights).toEqual([])
  })

  test('of an own request before the latest go out where they are', () => {
    const flights = board()
    flights.seen('first', to(['a', 0]), 'self', 0)
    flights.seen('second', [], 'self', 0)
    for (let ms = 0; ms <= 100; ms += 10) flights.frame(ms)
    expect(flights.frame(100).lights).toMatchObject([{ x: 0, y: 0 }])
  })

  test('follow a message twice only once, and a request that went back no further', () => {
    const flights = board(0)
    flights.seen('r', to(['a', 0], ['b', 1]), 'self', 0)
    flights.seen('r', to(['a', 0], ['b', 1]), 'self', 0)
    flights.seen('r', to(['a', 0]), 'self', 0)
    expect(flights.frame(0).trails).toHaveLength(2)
  })

  test('leave out peers that the picture does not show', () => {
    const flights = board(0)
    flights.seen('r', to(['a', 0], ['stranger', 1], ['b', 2]), 'self', 0)
    expect(flights.frame(0).trails.map(({ to: end }) => end)).toMatchObject([
      { x: 100 },
      { y: 100 },
    ])
  })

  test('fade for others and stay for the latest own request', () => {
    const flights = board(0)
    flights.seen('mine', to(['a', 0]), 'self', 0)
    flights.seen('theirs', to(['a', 0], ['b', 1]), undefined, 0)
    expect(flights.frame(0).trails).toHaveLength(2)
    expect(flights.isStill(100)).toBe(false)
    expect(flights.frame(2_000).trails).toMatchObject([{ own: true, strength: 1 }])
    expect(flights.isStill(2_000)).toBe(true)
  })

  test('keep up with 60 peers and 20 requests a second, and cost no more than their bounds', () => {
    const flights = createFlights(() => 260)
    const peers = Array.from({ length: 60 }, (_, n) => ({ id: `p${n}`, x: n, y: -n }))
    flights.place(new Map(peers.map((peer) => [peer.id, peer])))
    // One hop per frame: 12 of them take 192 ms, and every 48 ms another request begins.
    const stopsOf = (request: number, count: number) =>
      to(
        ...Array.from({ length: count }, (_, hop): [string, number] => [peerOf(request, hop), hop]),
      )
    const peerOf = (request: number, hop: number) => `p${(request * 7 + hop * 13) % 60}`
    const counts: { lights: number; trails: number }[] = []
    for (let frame = 0; frame < 1_200; frame++) {
      const newest = Math.floor(frame / 3)
      for (let request = Math.max(0, newest - 3); request <= newest; request++) {
        const hops = Math.min(12, frame - 3 * request)
        flights.seen(`r${request}`, stopsOf(request, hops), undefined, 16 * frame)
      }
      const { lights, trails } = flights.frame(16 * frame)
      counts.push({ lights: lights.length, trails: trails.length })
    }
    expect(Math.max(...counts.map(({ lights }) => lights))).toBeLessThanOrEqual(64)
    expect(Math.max(...counts.map(({ trails }) => trails))).toBeLessThanOrEqual(400)
    // None lags behind what it follows by more than two seconds.
    for (let ms = 0; ms < 2_000; ms += 16) flights.frame(16 * 1_200 + ms)
    expect(flights.frame(16 * 1_200 + 2_000).lights).toEqual([])
  })

  test('are bounded in number, whatever the swarm asks', () => {
    const flights = board()
    for (let i = 0; i < 1_000; i++) flights.seen(`r${i}`, to(['a', 0], ['b', 1]), undefined, 0)
    expect(flights.frame(10).lights.length).toBeLessThanOrEqual(64)
  })
})
