import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tableLines } from './table.ts'

const TABLE = {
  head: ['policy', 'answered', 'bytes/request', 'by'],
  rows: [
    ['any-order', '100.0 %', '9', 'ort-node'],
    ['fixed', '9.5 %', '–', 'x'],
  ],
}

describe('a table', () => {
  test('is aligned, figures on the right', () => {
    expect(tableLines(TABLE)).toEqual([
      'policy     answered  bytes/request  by',
      'any-order   100.0 %              9  ort-node',
      'fixed         9.5 %              –  x',
    ])
  })

  test('breaks its heads where there is little room, then goes on below', () => {
    expect(tableLines(TABLE, 29)).toEqual([
      '                      bytes/',
      'policy     answered  request',
      'any-order   100.0 %        9',
      'fixed         9.5 %        –',
      '',
      'policy     by',
      'any-order  ort-node',
      'fixed      x',
    ])
  })

  test('breaks what stands first where nothing else would have room', () => {
    const rows = [['one hop between two tabs', '1.00', '2.00']]
    expect(tableLines({ head: ['case', 'ours', 'reference'], rows, indent: ' ' }, 32)).toEqual([
      ' case           ours  reference',
      ' one hop        1.00       2.00',
      '   between two',
      '   tabs',
    ])
  })

  test('has no line for a head of nothing', () => {
    expect(tableLines({ head: ['', ''], rows: [['a', '1 %']] })).toEqual(['a  1 %'])
  })

  test('is never wider than it may be, and loses no cell', () => {
    const cell = fc.stringMatching(/^[a-z0-9]{1,12}$/)
    const rows = fc.array(fc.tuple(cell, cell, cell, cell, cell), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(rows, fc.integer({ min: 30, max: 90 }), (given, columns) => {
        const lines = tableLines({ head: ['a b', 'c', 'd e/f', 'g', 'h'], rows: given }, columns)
        expect(lines.filter((line) => line.length > columns)).toEqual([])
        const words = lines.join(' ').split(/ +/)
        for (const one of given.flat()) expect(words).toContain(one)
      }),
    )
  })
})
