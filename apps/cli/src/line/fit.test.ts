import { describe, expect, test } from 'vitest'
import { cut, fit, shellLines, widthOf } from './fit.ts'

describe('a line on a terminal', () => {
  test('that has room stays as it is', () => {
    expect(fit('  one two', 9)).toEqual(['  one two'])
  })

  test('goes on set in a little, below its own beginning', () => {
    expect(fit('  one two three', 10)).toEqual(['  one', '    two', '    three'])
  })

  test('keeps a word that no line has room for', () => {
    expect(fit('see http://127.0.0.1:9000/ there', 12)).toEqual([
      'see',
      '  http://127.0.0.1:9000/',
      '  there',
    ])
  })

  test('keeps a command one that a shell takes back', () => {
    const line = 'join with a process: npx layerswarm peer --join http://x.example --policy gossip'
    expect(fit(line, 50)).toEqual([
      'join with a process:',
      '  npx layerswarm peer --join http://x.example \\',
      '    --policy gossip',
    ])
    // One that is quoted inside a sentence is no line of a shell.
    expect(fit('start one with `npx layerswarm up` on this machine', 24)).toEqual([
      'start one with `npx',
      '  layerswarm up` on this',
      '  machine',
    ])
  })

  test('of JSON stays one that a program reads', () => {
    expect(fit('{"level": "info", "event": "ready"}', 12)).toHaveLength(1)
  })

  test('is measured without its colours', () => {
    expect(widthOf('\u001b[36m⣀⣀\u001b[0m')).toBe(2)
  })

  test('is cut where it may not go on', () => {
    expect(cut('asking', 6)).toBe('asking')
    expect(cut('asking the swarm', 6)).toBe('askin…')
  })
})

test('the lines of a command, put together as a shell does, are the command', () => {
  const command = 'npx layerswarm simulate harsh --peers 200 --requests 10000 --report runs/harsh'
  const lines = shellLines(command, '  ', 40)
  expect(lines.every((line) => line.length <= 40)).toBe(true)
  expect(lines.map((line) => line.replace(/ \\$/, '').trim()).join(' ')).toBe(command)
})
