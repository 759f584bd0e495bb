import { type ClassBar, classBars } from '../logic/class-bars.ts'
import { percentText, spreadText } from '../logic/wording.ts'
import { html, setText } from './dom.ts'

/** What the bars show: a probability per class, and how far the orders lie apart where several ran. */
export interface Scores {
  readonly probabilities: readonly number[]
  readonly spread: readonly number[] | undefined
}

/** Bars of the classes; nothing is shown of undefined scores. */
export interface ClassChart {
  show(scores: Scores | undefined, labels: readonly string[]): void
}

interface BarRow {
  readonly row: HTMLLIElement
  readonly label: HTMLElement
  readonly value: HTMLElement
}

/** Bars of class probabilities that keep their rows, so that they grow and shrink in place. */
export function createClassChart(list: HTMLUListElement): ClassChart {
  const rows = new Map<number, BarRow>()
  return {
    show(scores, labels) {
      const bars = scores === undefined ? [] : classBars(scores.probabilities, labels)
      const kept = new Set(bars.map((bar) => bar.index))
      for (const [index, { row }] of rows) {
        if (kept.has(index)) continue
        row.remove()
        rows.delete(index)
      }
      for (const [position, bar] of bars.entries()) {
        const known = rows.get(bar.index) ?? newBar()
        rows.set(bar.index, known)
        fill(known, bar, scores?.spread?.[bar.index])
        const there = list.children[position] ?? null
        if (known.row !== there) list.insertBefore(known.row, there)
      }
    },
  }
}

function fill({ row, label, value }: BarRow, bar: ClassBar, spread: number | undefined): void {
  setText(label, bar.label)
  // Through the style object and not the attribute, which the page's policy forbids.
  row.style.setProperty('--share', bar.share.toFixed(4))
  row.style.setProperty('--spread', (spread ?? 0).toFixed(4))
  row.classList.toggle('best', bar.best)
  row.classList.toggle('spread', spread !== undefined)
  setText(value, percentText(bar.share) + (spread === undefined ? '' : spreadText(spread)))
}

function newBar(): BarRow {
  const label = html('span', { class: 'bar-label' })
  const value = html('span', { class: 'bar-value' })
  const track = html(
    'span',
    { class: 'bar-track', attributes: { 'aria-hidden': 'true' } },
    html('i', { class: 'bar-fill' }),
    html('i', { class: 'bar-whisker' }),
  )
  return { row: html('li', { class: 'bar' }, label, track, value), label, value }
}
