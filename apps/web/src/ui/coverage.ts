import { coverageLevel, coverageText } from '../logic/coverage.ts'
import { html, setText } from './dom.ts'
import { paintLayer } from './layer-mark.ts'
import { COVERAGE_BLOCKS_MAX } from './limits.ts'

/** Hosts per layer as stacks of blocks; `own` are the layers that this tab hosts. */
export type ShowCoverage = (hosts: readonly number[], own: readonly number[]) => void

/** @param sentence says what the stacks mean. */
export function createCoverage(list: HTMLOListElement, sentence: HTMLElement): ShowCoverage {
  let drawn: string | undefined
  return (hosts, own) => {
    const key = `${hosts.join()} ${own.join()}`
    if (key === drawn) return
    drawn = key
    list.replaceChildren(
      ...hosts.map((count, layer) => column(count, layer, hosts.length, own.includes(layer))),
    )
    list.hidden = hosts.length === 0
    setText(sentence, coverageText(hosts))
  }
}

function column(count: number, layer: number, layers: number, own: boolean): HTMLLIElement {
  const blocks = Array.from({ length: Math.min(count, COVERAGE_BLOCKS_MAX) }, (_, index) =>
    html('i', { class: own && index === 0 ? 'block own' : 'block' }),
  )
  const hosts = count === 0 ? 'no host' : count === 1 ? '1 host' : `${count} hosts`
  const words = `layer ${layer}: ${hosts}${own ? ', this tab among them' : ''}`
  const item = html(
    'li',
    { class: `column ${coverageLevel(count)}`, attributes: { title: words } },
    html('span', { class: 'sr-only', text: words }),
    html('span', { class: 'count', text: String(count), attributes: { 'aria-hidden': 'true' } }),
    html('span', { class: 'stack', attributes: { 'aria-hidden': 'true' } }, ...blocks),
    html('span', { class: 'layer', text: String(layer), attributes: { 'aria-hidden': 'true' } }),
  )
  return paintLayer(item, layer, layers)
}
