import { describe, expect, test } from 'vitest'
import { drawTerminalPlot } from './terminal-plot.ts'
import { createLineDisplay, createPlotDisplay } from './train-display.ts'

const progress = {
  step: 0,
  steps: 100,
  images: 0,
  loss: 2,
  learningRate: 0.001,
  imagesPerSecond: 321.4,
  etaSeconds: 95,
  heldOutImages: 10,
}
const evaluation = { step: 50, images: 0, loss: 1, sequential: 0.5, arbitrary: 0.45 }
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
const plain = (line: string): string => line.replace(/\u001b\[\d+m/g, '')

describe('a plot in the terminal', () => {
  test('puts the first point at the left, the last at the right, high above low', () => {
    const lines = drawTerminalPlot({
      title: 'a line',
      lines: [
        {
          name: 'down',
          points: [
            [0, 4],
            [10, 1],
          ],
        },
      ],
      columns: 4,
      rows: 2,
      hasColours: true,
      format: (y) => y.toFixed(1),
    }).map(plain)
    expect(lines).toEqual(['a line: down', '4.0 ⠑⢄  ', '1.0   ⠑⢄'])
  })

  test('of a constant or of one point is drawn all the same', () => {
    const draw = (points: [number, number][]): string[] =>
      drawTerminalPlot({
        title: 't',
        lines: [{ name: 'l', points }],
        columns: 3,
        rows: 1,
        hasColours: true,
        format: String,
      }).map(plain)
    expect(draw([[5, 7]])).toEqual(['t: l', '7 ⡀  '])
    expect(draw([])).toEqual(['t: l'])
  })
})

describe('the display of a training', () => {
  test('is a line for each report where nobody watches', () => {
    const lines: string[] = []
    const display = createLineDisplay((line) => lines.push(line))
    display.show({ ...progress, step: 50, evaluation })
    expect(lines).toEqual([
      'step 50 of 100, loss 2.000, 321 images/s, 1.6 min left, held out: 50.0 % in sequence, 45.0 % in any order',
    ])
  })

  test('says so where nothing is held out', () => {
    const lines: string[] = []
    createLineDisplay((line) => lines.push(line)).show({ ...progress, heldOutImages: 0 })
    expect(lines.join()).toMatch(/ left, nothing held out of so few images$/)
  })

  test('is drawn over itself in a terminal, within its width, and not too often', () => {
    const texts: string[] = []
    let nowMs = 0
    const display = createPlotDisplay(
      (text) => texts.push(text),
      { columns: 40, hasColours: true },
      () => nowMs,
    )
    display.show({ ...progress, step: 10 })
    const [first = ''] = texts
    const height = first.split('\n').length
    nowMs = 50
    display.show({ ...progress, step: 20, loss: 1.5 })
    expect(texts).toHaveLength(1)
    display.show({ ...progress, step: 50, loss: 1, evaluation })
    expect(texts).toHaveLength(2)
    expect(texts[1]?.startsWith(`\u001b[${height}A\u001b[J`)).toBe(true)
    for (const line of (texts[1] ?? '').replace(/^[^t]*/, '').split('\n')) {
      expect(plain(line).length).toBeLessThan(40)
    }
    display.show({ ...progress, step: 100 })
    expect(texts).toHaveLength(3)
  })

  test('has a plot for each curve where colours are not wanted', () => {
    const texts: string[] = []
    const terminal = { columns: 40, hasColours: false }
    createPlotDisplay((text) => texts.push(text), terminal).show({ ...progress, evaluation })
    expect(texts.join()).not.toContain('\u001b')
    const titles = texts
      .join()
      .split('\n')
      .filter((line) => line.includes(': '))
    expect(titles).toEqual(['training: loss', 'held out: in sequence', 'held out: in any order'])
  })
})
