import { byId } from './dom.ts'

const SOURCES = ['samples', 'draw', 'upload', 'camera'] as const
/** A place that a picture can come from. */
export type Source = (typeof SOURCES)[number]

/**
 * The places a picture can come from, as tabs: arrow keys move between them (WAI-ARIA tabs pattern).
 * @param shown told which one is shown from now on. @returns what shows one.
 */
export function createSourceTabs(shown: (source: Source) => void): (source: Source) => void {
  const tabs = SOURCES.map((source) => ({
    source,
    tab: byId(`tab-${source}`, HTMLButtonElement),
    panel: byId(`panel-${source}`, HTMLElement),
  }))

  function select(source: Source) {
    shown(source)
    for (const { source: own, tab, panel } of tabs) {
      const selected = own === source
      tab.setAttribute('aria-selected', String(selected))
      tab.tabIndex = selected ? 0 : -1
      panel.hidden = !selected
    }
  }

  for (const [index, { source, tab }] of tabs.entries()) {
    tab.addEventListener('click', () => select(source))
    tab.addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
      if (step === undefined) return
      event.preventDefault()
      const target = tabs[(index + step + tabs.length) % tabs.length]
      if (target === undefined) return
      select(target.source)
      target.tab.focus()
    })
  }
  return select
}
