import { expect, test } from 'vitest'
import { helpersText, shareAddress, shareText } from './share.ts'

test('others are invited to the page, and to the server that it joined', () => {
  const folder = new URL('https://pages.example/swarm/')
  expect(shareAddress(new URL('http://127.0.0.1:9000/'), undefined)).toBe('http://127.0.0.1:9000')
  expect(shareAddress(folder, undefined)).toBe('https://pages.example/swarm/')
  expect(shareAddress(folder, new URL('https://other.example:8443/'))).toBe(
    'https://pages.example/swarm/?join=https%3A%2F%2Fother.example%3A8443%2F',
  )
})

test('the visitor is told of every other computer that the tab will speak to', () => {
  expect(helpersText(undefined, [])).toBeUndefined()
  const key = { username: 'user', credential: 'secret' }
  const told = helpersText(new URL('https://swarm.example/'), [
    { urls: 'stun:stun.example:3478' },
    { urls: 'turn:turn.example?transport=udp', ...key },
    { urls: 'turns:turn.example', ...key },
  ])
  expect(told).toContain('joins the swarm of swarm.example.')
  expect(told).toContain('asks stun.example for its own address')
  expect(told).toContain('turn.example carries')
  expect(told).not.toContain('secret')
})

test.each([
  ['http://127.0.0.1:9000/', 'this computer only'],
  ['http://localhost:9000/', 'this computer only'],
  ['http://[::1]:9000/', 'this computer only'],
  ['http://192.168.1.5:9000/', 'over https only'],
  ['https://swarm.example/', 'Anybody with this link'],
])('the note beside %s says who can open it', (address, words) => {
  expect(shareText(address)).toContain(words)
})
