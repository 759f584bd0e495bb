import type { NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import { describe, expect, test } from 'vitest'
import { makeCertificate } from './certificate.ts'
import { ownAddresses, ownNames, publicUrls } from './public-urls.ts'

function at(address: string, internal = false): NetworkInterfaceInfo {
  return { address, internal } as NetworkInterfaceInfo
}

const INTERFACES: ReturnType<typeof networkInterfaces> = {
  lo: [at('127.0.0.1', true), at('::1', true)],
  docker0: [at('172.17.0.1')],
  wlan0: [at('2001:db8::5'), at('192.168.1.5'), at('fe80::1'), at('169.254.7.7')],
}

describe('the addresses by which others reach a machine', () => {
  test('are none of loopback, link or containers, IPv4 first', () => {
    expect(ownAddresses(INTERFACES)).toEqual(['192.168.1.5', '2001:db8::5'])
  })

  test('give a URL each where a server listens on all of them', () => {
    const own = ownAddresses(INTERFACES)
    const served = { port: 9000, cert: undefined }
    expect(publicUrls({ ...served, host: '0.0.0.0' }, own)).toEqual(['http://192.168.1.5:9000'])
    expect(publicUrls({ ...served, host: '::' }, own)).toEqual([
      'http://192.168.1.5:9000',
      'http://[2001:db8::5]:9000',
    ])
    expect(publicUrls({ ...served, host: '192.168.1.5' }, own)).toEqual(['http://192.168.1.5:9000'])
    for (const host of ['127.0.0.1', '::1'])
      expect(publicUrls({ ...served, host }, own)).toEqual([])
  })

  test('come behind the names that a certificate is for', async () => {
    const names = [
      'localhost',
      'box',
      'box.local',
      '*.example.org',
      'swarm.example.org',
      '192.168.1.5',
    ]
    const { cert } = await makeCertificate(names)
    expect(publicUrls({ host: '0.0.0.0', port: 443, cert }, ['192.168.1.5'])).toEqual([
      'https://swarm.example.org',
      'https://192.168.1.5',
    ])
  })
})

test('a certificate of our own is for the machine by every name', () => {
  expect(ownNames('0.0.0.0')).toEqual(expect.arrayContaining(['localhost', '127.0.0.1', '::1']))
  expect(ownNames('192.0.2.5')).toContain('192.0.2.5')
  expect(ownNames('0.0.0.0')).not.toContain('0.0.0.0')
})
