import { HIDDEN_PAUSE_MS } from '../limits.ts'
import { parsedFields } from './record.ts'

/** When a tab rests by itself, as its owner chose. */
export interface PauseRules {
  readonly battery: boolean
  /** Connections that are metered, or on which the browser is to save data. */
  readonly metered: boolean
  readonly hidden: boolean
  /** Minutes of the day between which it helps, of local time; undefined: always. */
  readonly hours: { readonly from: number; readonly to: number } | undefined
  /** Keeps the screen on while it helps. */
  readonly wake: boolean
}

/** Nobody's battery or data plan is used unasked. */
export const PAUSE_RULES_DEFAULT: PauseRules = Object.freeze({
  battery: true,
  metered: true,
  hidden: false,
  hours: undefined,
  wake: false,
})

/** How a device stands; what a browser does not tell counts as well. */
export interface Conditions {
  readonly onBattery: boolean
  readonly isMetered: boolean
  readonly hiddenMs: number
  /** Minutes since midnight, local time. */
  readonly minute: number
}

/** Why a tab rests now, as a line for people; undefined while it may help. */
export function pauseReason(rules: PauseRules, now: Conditions): string | undefined {
  if (rules.battery && now.onBattery) return 'Resting: this device runs on its battery.'
  if (rules.metered && now.isMetered) return 'Resting: this connection is metered or saves data.'
  if (rules.hidden && now.hiddenMs >= HIDDEN_PAUSE_MS)
    return 'Resting: nobody has looked at this tab for long.'
  if (rules.hours !== undefined && !isWithin(rules.hours, now.minute))
    return `Resting until ${clockText(rules.hours.from)}, as you chose.`
  return undefined
}

/** A span may go over midnight; one of no length is the whole day. */
function isWithin({ from, to }: { from: number; to: number }, minute: number): boolean {
  if (from === to) return true
  return from < to ? minute >= from && minute < to : minute >= from || minute < to
}

/** 485 → "08:05". */
export function clockText(minute: number): string {
  const two = (value: number) => String(value).padStart(2, '0')
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`
}

/** "08:05" → 485; undefined for anything else. */
export function minuteOf(text: string): number | undefined {
  const found = /^([01]\d|2[0-3]):([0-5]\d)/.exec(text)
  return found === null ? undefined : Number(found[1]) * 60 + Number(found[2])
}

/** What was kept of somebody's choice; the default for what makes no sense. */
export function parseRules(text: string | null): PauseRules {
  const value = parsedFields(text)
  const flag = (name: 'battery' | 'metered' | 'hidden' | 'wake') => {
    const kept = value.get(name)
    return typeof kept === 'boolean' ? kept : PAUSE_RULES_DEFAULT[name]
  }
  const hours = value.get('hours')
  return {
    battery: flag('battery'),
    metered: flag('metered'),
    hidden: flag('hidden'),
    wake: flag('wake'),
    hours: parseHours(hours),
  }
}

function parseHours(value: unknown): PauseRules['hours'] {
  if (typeof value !== 'object' || value === null) return undefined
  const { from, to } = value as { from?: unknown; to?: unknown }
  return isMinute(from) && isMinute(to) ? { from, to } : undefined
}

function isMinute(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 24 * 60
}
