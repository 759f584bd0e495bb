import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import { TOKEN_GUESSES_BURST, TOKEN_GUESSES_OVER_MS } from '../limits.ts'
import { createGuessLimit, createSocketLimit, createVisitorLimit, visitorOf } from './visitor.ts'

function asked(remoteAddress: string, headers: Record<string, string | string[]>) {
  return { headers, socket: { remoteAddress } } as unknown as IncomingMessage
}

describe('a visitor', () => {
  test('is whoever holds the socket, whatever the headers claim', () => {
    const request = asked('::ffff:192.0.2.1', { 'x-forwarded-for': '203.0.113.9' })
    expect(visitorOf(request, false).address).toBe('192.0.2.1')
  })

  test.each([
    ['fe80::1%eth0', 'fe80::1'],
    ['::ffff:192.0.2.1%eth0', '192.0.2.1'],
    ['', ''],
  ])(
    'at the socket address "%s" is %s, in a form that means something elsewhere',
    (remote, address) => {
      expect(visitorOf(asked(remote, {}), false).address).toBe(address)
    },
  )

  test.each([
    ['203.0.113.9', '203.0.113.9'],
    ['203.0.113.9, fe80::1%eth0', 'fe80::1'],
    ['spoofed, 10.0.0.1, 203.0.113.9', '203.0.113.9'],
    ['203.0.113.9:4711', '203.0.113.9'],
    ['[2001:db8::1]:4711', '2001:db8::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['unknown', '127.0.0.1'],
    ['', '127.0.0.1'],
  ])('of a trusted proxy that forwards for "%s" is %s', (header, address) => {
    const request = asked('127.0.0.1', { 'x-forwarded-for': header })
    expect(visitorOf(request, true).address).toBe(address)
  })

  test.each([
    ['127.0.0.1', { host: 'localhost:9000' }, true],
    ['::1', { host: '[::1]:9000' }, true],
    ['127.0.0.1', { host: 'swarm.example' }, false],
    ['127.0.0.1', {}, false],
    ['127.0.0.1', { host: 'LocalHost' }, true],
    ['127.0.0.1', { host: '127.0.0.1', via: '1.1 proxy' }, false],
    ['127.0.0.1', { host: '127.0.0.1', 'x-real-ip': '192.0.2.1' }, false],
    ['127.0.0.1', { host: '127.0.0.1', 'x-forwarded-proto': 'https' }, false],
    ['127.0.0.1', { host: '127.0.0.1', 'cf-connecting-ip': '192.0.2.1' }, false],
    ['192.0.2.1', { host: '127.0.0.1' }, false],
  ])('at %s with %o is here: %s', (remote, headers, isHere) => {
    expect(visitorOf(asked(remote, headers as Record<string, string>), false).isHere).toBe(isHere)
  })
})

describe('the limit on sockets', () => {
  test('is one of each address, and each that closes makes room', () => {
    const limit = createSocketLimit(2)
    expect([1, 2, 3].map(() => limit.take('192.0.2.1'))).toEqual([true, true, false])
    expect(limit.take('192.0.2.2')).toBe(true)
    limit.giveBack('192.0.2.1')
    expect([1, 2].map(() => limit.take('192.0.2.1'))).toEqual([true, false])
    expect([1, 2, 3].map((at) => limit.take(`2001:db8::${at}`))).toEqual([true, true, false])
  })

  test('is not for programs of this machine', () => {
    const limit = createSocketLimit(1)
    for (const _ of [1, 2, 3]) expect(limit.take('127.0.0.1')).toBe(true)
  })
})

describe('the limit on wrong tokens', () => {
  const from = (address: string) => ({ address, isHere: false })

  test('lets a publisher try a few times, and whoever guesses on wait', () => {
    const guesses = createGuessLimit()
    for (let i = 0; i < TOKEN_GUESSES_BURST; i++) guesses.wrong(from('192.0.2.1'), 0)
    expect(guesses.isOver(from('192.0.2.1'), 0)).toBe(false)
    guesses.wrong(from('192.0.2.1'), 0)
    expect(guesses.isOver(from('192.0.2.1'), 1)).toBe(true)
    expect(guesses.isOver(from('192.0.2.2'), 1)).toBe(false)
    expect(guesses.isOver(from('192.0.2.1'), TOKEN_GUESSES_OVER_MS)).toBe(false)
  })

  test('is not for programs of this machine', () => {
    const guesses = createGuessLimit()
    for (let i = 0; i < 100; i++) guesses.wrong(from('127.0.0.1'), 0)
    expect(guesses.isOver(from('127.0.0.1'), 0)).toBe(false)
  })
})

describe('the limit on requests', () => {
  const from = (address: string) => ({ address, isHere: false })

  test('is one of each address, and fills again', () => {
    const may = createVisitorLimit({ burst: 2, perSecond: 1 })
    const asked = [0, 1, 2].map((ms) => may(from('192.0.2.1'), ms))
    expect(asked).toEqual([true, true, false])
    expect(may(from('192.0.2.2'), 2)).toBe(true)
    expect(may(from('192.0.2.1'), 1_100)).toBe(true)
  })

  test.each([
    ['2001:db8::1', '2001:0db8:0:0:5::1', false],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::9', false],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', true],
    ['fe80::', 'fe80::1', false],
  ])('for %s and %s is another: %s', (one, other, isFree) => {
    const may = createVisitorLimit({ burst: 1, perSecond: 0 })
    expect([may(from(one), 0), may(from(other), 0)]).toEqual([true, isFree])
  })

  test('is not for programs of this machine', () => {
    const may = createVisitorLimit({ burst: 1, perSecond: 0 })
    for (const _ of [1, 2, 3]) expect(may(from('127.0.0.1'), 0)).toBe(true)
  })
})
