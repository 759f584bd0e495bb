import { describe, expect, test } from 'vitest'
import { announcedAddress } from './announced-address.ts'

const PEER = '12D3KooWGRUts7zDQkTfAVKpaVcmFhGMRkVHMQKkBoTzvLN4yr6N'

describe('what a peer announces', () => {
  test.each([
    ['https://volunteer.example', '/dns4/volunteer.example/tcp/443/tls/ws'],
    ['http://192.168.1.5:9100/', '/ip4/192.168.1.5/tcp/9100/ws'],
    ['https://host/mine/', '/dns4/host/tcp/443/tls/ws/http-path/mine%2Fws'],
    ['/dns4/volunteer.example/tcp/9002', '/dns4/volunteer.example/tcp/9002'],
    ['/ip6/fd00::5/tcp/9002/ws', '/ip6/fd00::5/tcp/9002/ws'],
  ])('as %s is %s', (given, address) => {
    expect(announcedAddress(given)).toBe(address)
  })

  test('is no URL with a password in it, which is not repeated', () => {
    expect(() => announcedAddress('https://user:secret@host/mine/')).toThrow(
      'cannot announce https://…@host/mine/ (a user or a password)',
    )
  })

  test.each(['/dns4/host/tcp/22', 'https://host:25/', '/ip4/192.0.2.1/tcp/0/ws'])(
    'is not "%s", a port that nobody dials',
    (given) => {
      expect(() => announcedAddress(given)).toThrow(/nobody dials a port below 1024 but 80 and 443/)
    },
  )

  test.each([
    '',
    'host:9000',
    'wss://host/',
    '/dns4/host',
    '/tcp/9000',
    `/dns4/h/tcp/9000/p2p/${PEER}`,
  ])('is not "%s"', (given) => {
    expect(() => announcedAddress(given)).toThrow(`cannot announce ${given}`)
  })
})
