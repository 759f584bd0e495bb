import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, test } from 'vitest'
import { webSocketsBelowPaths } from './web-sockets.ts'

const silent = Object.assign(() => {}, { error() {}, trace() {} })
const components = { logger: { forComponent: () => silent }, events: new EventTarget() }
const transport = webSocketsBelowPaths()(components as never)

const dials = (address: string) => transport.dialFilter([multiaddr(address)]).length === 1

describe('an address of WebSockets', () => {
  test.each([
    '/ip4/192.0.2.1/tcp/9000/ws',
    '/dns4/swarm.example/tcp/443/tls/ws/http-path/ws',
    '/dns4/swarm.example/tcp/443/tls/ws/http-path/swarm%2Fws',
    '/dns4/swarm.example/tcp/80/ws/http-path/a%2520b%2Fws',
  ])('as %s is dialled', (address) => {
    expect(dials(address)).toBe(true)
  })

  test.each([
    '/dns4/router.example/tcp/80/ws/http-path/reboot.cgi',
    '/dns4/router.example/tcp/80/ws/http-path/news',
    '/dns4/router.example/tcp/80/ws/http-path/admin%3Fdelete=ws',
    '/dns4/router.example/tcp/80/ws/http-path/ws%2Fdelete',
  ])('as %s is not: nobody is made to ask for another path', (address) => {
    expect(dials(address)).toBe(false)
  })
})
