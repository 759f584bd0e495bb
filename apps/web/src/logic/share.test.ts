import { expect, test } from 'vitest'
import { shareText } from './share.ts'

test.each([
  ['http://127.0.0.1:9000/', 'this computer only'],
  ['http://localhost:9000/', 'this computer only'],
  ['http://[::1]:9000/', 'this computer only'],
  ['http://192.168.1.5:9000/', 'plain http'],
  ['https://swarm.example/', 'Anybody with this link'],
])('the note beside %s says who can open it', (address, words) => {
  expect(shareText(address)).toContain(words)
})
