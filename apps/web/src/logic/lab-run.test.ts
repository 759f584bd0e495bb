import { expect, test } from 'vitest'
import { labRunLink, parseLabRun } from './lab-run.ts'

const RUN = { scenario: 'mass-leave', peers: 20, requests: 30, seed: 4_294_967_295 }

test('a run in a link is the run that the link was made of', () => {
  const link = labRunLink(new URL('https://swarm.example/some/folder/'), RUN)
  expect(link).toBe('https://swarm.example/some/folder/?simulate=mass-leave,20,30,4294967295')
  expect(parseLabRun(new URL(link).searchParams.get('simulate') ?? '')).toEqual(RUN)
})

test.each([
  '',
  'harsh',
  'harsh,20,30',
  'harsh,20,30,1,2',
  'harsh,0,30,1',
  'harsh,20,0,1',
  'harsh,201,30,1',
  'harsh,20,1001,1',
  'harsh,20,30,4294967296',
  'harsh,20,30,-1',
  'Harsh,20,30,1',
  'harsh, 20,30,1',
])('"%s" is no run that a tab takes', (text) => {
  expect(parseLabRun(text)).toBeUndefined()
})
