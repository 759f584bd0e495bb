import { expect, test } from 'vitest'
import { shareAddress, shareText } from './share.ts'

test('others are invited to the page, and to the server that it joined', () => {
  const folder = new URL('https://pages.example/swarm/')
  expect(shareAddress(new URL('http://127.0.0.1:9000/'), undefined)).toBe('http://127.0.0.1:9000')
  expect(shareAddress(folder, undefined)).toBe('https://pages.example/swarm/')
  expect(shareAddress(folder, new URL('https://other.example:8443/'))).toBe(
    'https://pages.example/swarm/?join=https%3A%2F%2Fother.example%3A8443%2F',
  )
})

test.each([
  ['http://127.0.0.1:9000/', 'this computer only'],
  ['http://localhost:9000/', 'this computer only'],
  ['http://[::1]:9000/', 'this computer only'],
  ['http://192.168.1.5:9000/', 'plain http'],
  ['https://swarm.example/', 'Anybody with this link'],
])('the note beside %s says who can open it', (address, words) => {
  expect(shareText(address)).toContain(words)
})
