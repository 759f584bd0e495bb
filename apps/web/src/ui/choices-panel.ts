import { clockText, minuteOf, type PauseRules } from '../logic/pause-rules.ts'
import { byId, setLine } from './dom.ts'

/** When this tab helps, as a person chooses it, and what came of it. */
export interface ChoicesPanel {
  /** Why it rests; undefined while it helps. */
  showRest(reason: string | undefined): void
  /** What this device has given. */
  showRecord(line: string | undefined): void
  /** Said to whoever leaves. */
  showThanks(line: string | undefined): void
  /** That several tabs share one choice. */
  showTabs(line: string | undefined): void
}

/** @param rules as they were kept. @param changed told whenever somebody chooses. */
export function createChoicesPanel(
  rules: PauseRules,
  changed: (rules: PauseRules) => void,
): ChoicesPanel {
  const battery = byId('rule-battery', HTMLInputElement)
  const metered = byId('rule-metered', HTMLInputElement)
  const hidden = byId('rule-hidden', HTMLInputElement)
  const wake = byId('rule-wake', HTMLInputElement)
  const from = byId('rule-from', HTMLInputElement)
  const to = byId('rule-to', HTMLInputElement)
  battery.checked = rules.battery
  metered.checked = rules.metered
  hidden.checked = rules.hidden
  wake.checked = rules.wake
  from.value = rules.hours === undefined ? '' : clockText(rules.hours.from)
  to.value = rules.hours === undefined ? '' : clockText(rules.hours.to)

  function tell() {
    const [begin, end] = [minuteOf(from.value), minuteOf(to.value)]
    changed({
      battery: battery.checked,
      metered: metered.checked,
      hidden: hidden.checked,
      wake: wake.checked,
      hours: begin === undefined || end === undefined ? undefined : { from: begin, to: end },
    })
  }

  for (const input of [battery, metered, hidden, wake, from, to])
    input.addEventListener('change', tell)
  return {
    showRest: (line) => setLine(byId('rest', HTMLElement), line),
    showRecord: (line) => setLine(byId('record', HTMLElement), line),
    showThanks: (line) => setLine(byId('thanks', HTMLElement), line),
    showTabs: (line) => setLine(byId('tabs-note', HTMLElement), line),
  }
}
