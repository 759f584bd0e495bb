import { FAULTS_TOLD_MAX } from '../limits.ts'

/** Faults as they are told: by path, since each begins with one, and the number of those that are too many. */
export function listedFaults(faults: readonly string[]): string[] {
  const shown = faults.toSorted().slice(0, FAULTS_TOLD_MAX)
  const hidden = faults.length - shown.length
  return hidden === 0 ? shown : [...shown, `and ${hidden} more`]
}

/** As "1 folder" or "2 folders". */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
