import { RECORD_DAYS_MAX } from '../limits.ts'
import { ageText, bytesText } from './wording.ts'

/** What this device has given over all visits. */
export interface Totals {
  readonly images: number
  readonly layerRuns: number
  /** Sent and received for the swarm. */
  readonly bytes: number
  /** In the swarm, all tabs together. */
  readonly ms: number
}

/** Totals, and the days on which there were any. */
export interface Record extends Totals {
  readonly days: number
  /** As 2026-11-27; empty before the first. */
  readonly lastDay: string
}

/** A device that has given nothing yet. */
export const NO_RECORD: Record = Object.freeze({
  images: 0,
  layerRuns: 0,
  bytes: 0,
  ms: 0,
  days: 0,
  lastDay: '',
})

/** What was kept, which anybody may have edited; NO_RECORD for nonsense. */
export function parseRecord(text: string | null): Record {
  const value = parsedFields(text)
  const count = (name: string) => {
    const number = value.get(name)
    return typeof number === 'number' && Number.isFinite(number) && number >= 0 ? number : 0
  }
  const lastDay = value.get('lastDay')
  return {
    images: count('images'),
    layerRuns: count('layerRuns'),
    bytes: count('bytes'),
    ms: count('ms'),
    days: Math.min(count('days'), RECORD_DAYS_MAX),
    lastDay: typeof lastDay === 'string' && /^\d{4}-\d\d-\d\d$/.test(lastDay) ? lastDay : '',
  }
}

/** The fields of a JSON object; none of anything else. */
export function parsedFields(text: string | null): ReadonlyMap<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '')
    return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : [])
  } catch {
    return new Map()
  }
}

/** What was given since `before` is added. @param day as 2026-11-27. */
export function addTotals(record: Record, now: Totals, before: Totals, day: string): Record {
  const isNewDay = record.lastDay !== day
  return {
    images: record.images + Math.max(0, now.images - before.images),
    layerRuns: record.layerRuns + Math.max(0, now.layerRuns - before.layerRuns),
    bytes: record.bytes + Math.max(0, now.bytes - before.bytes),
    ms: record.ms + Math.max(0, now.ms - before.ms),
    days: record.days + (isNewDay ? 1 : 0),
    lastDay: day,
  }
}

/** "12 images, 80 layers, 3.4 MB, 2 h 5 min". */
export function totalsText({ images, layerRuns, bytes, ms }: Totals): string {
  const many = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`
  return `${many(images, 'image')} helped, ${many(layerRuns, 'layer')} run, ${bytesText(bytes)}, ${ageText(ms)}`
}

/** What this device has given; undefined before it gave anything. */
export function recordText(record: Record): string | undefined {
  if (record.days === 0) return undefined
  const days = record.days === 1 ? 'one day' : `${record.days} days`
  return `This device so far: ${totalsText(record)}, on ${days}.`
}

/** Said to whoever leaves; undefined where nothing was given. */
export function thanksText(visit: Totals): string | undefined {
  if (visit.layerRuns === 0) return undefined
  return `Thank you. This visit: ${totalsText(visit)}.`
}
