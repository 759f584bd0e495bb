import { describe, expect, test } from 'vitest'
import { createBacklog } from './backlog.ts'

describe('a backlog', () => {
  test('cuts nobody as long as there is room', () => {
    const cut: string[] = []
    const backlog = createBacklog(2)
    backlog.enter('a', () => cut.push('a1'))
    backlog.enter('a', () => cut.push('a2'))
    expect(cut).toEqual([])
    expect(backlog.size).toBe(2)
  })

  test('cuts the longest waiting of the address that has the most, and not the newcomer', () => {
    const cut: string[] = []
    const backlog = createBacklog(3)
    backlog.enter('b', () => cut.push('b1'))
    backlog.enter('a', () => cut.push('a1'))
    backlog.enter('a', () => cut.push('a2'))
    backlog.enter('c', () => cut.push('c1'))
    expect(cut).toEqual(['a1'])
    backlog.enter('a', () => cut.push('a3'))
    expect(cut).toEqual(['a1', 'a2'])
    expect(backlog.size).toBe(3)
  })

  test('gives a place back once, whoever leaves twice or was cut before', () => {
    const backlog = createBacklog(1)
    const leave = backlog.enter('a', () => {})
    backlog.enter('b', () => {})
    leave()
    leave()
    expect(backlog.size).toBe(1)
  })

  test('lets one through among a thousand silent sockets of another address', () => {
    const cut = { silent: 0, honest: 0 }
    const backlog = createBacklog(100)
    for (let i = 0; i < 500; i++) backlog.enter('x', () => cut.silent++)
    const leave = backlog.enter('y', () => cut.honest++)
    for (let i = 0; i < 500; i++) backlog.enter('x', () => cut.silent++)
    expect(cut).toEqual({ silent: 901, honest: 0 })
    leave()
    expect(backlog.size).toBe(99)
  })

  test('counts the same function given for two sockets as two', () => {
    const backlog = createBacklog(5)
    const cut = () => {}
    const leaves = [backlog.enter('a', cut), backlog.enter('a', cut)]
    expect(backlog.size).toBe(2)
    for (const leave of leaves) leave()
    expect(backlog.size).toBe(0)
  })
})
