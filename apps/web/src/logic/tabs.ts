import { TAB_FORGET_MS } from '../limits.ts'

/** Tabs of this browser that are in the swarm, as they tell each other. */
export interface TabCount {
  /** Another tab says that it is in the swarm, or has left. */
  heard(message: unknown, nowMs: number): void
  /** Others are forgotten of which this does not hold. */
  keep(isThere: (tab: string) => boolean): void
  /** Those that were heard lately. */
  others(nowMs: number): number
}

/** Nobody was heard yet. */
export function createTabCount(): TabCount {
  const seen = new Map<string, number>()
  return {
    heard(message, nowMs) {
      if (typeof message !== 'object' || message === null) return
      const { tab, isIn } = message as { tab?: unknown; isIn?: unknown }
      if (typeof tab !== 'string') return
      if (isIn === true) seen.set(tab, nowMs)
      else seen.delete(tab)
    },
    keep(isThere) {
      for (const tab of seen.keys()) if (!isThere(tab)) seen.delete(tab)
    },
    others(nowMs) {
      for (const [tab, heardMs] of seen) if (nowMs - heardMs > TAB_FORGET_MS) seen.delete(tab)
      return seen.size
    },
  }
}

/** What one of several tabs gives of what a person chose for the machine. */
export function shareOfTab(time: number, others: number): number {
  return time / (1 + others)
}

/** Says that the choice is shared; undefined for a tab alone. */
export function tabsText(others: number): string | undefined {
  if (others === 0) return undefined
  return `${others + 1} tabs of this browser are in the swarm and share what you chose: each computes ${others === 1 ? 'half' : `1/${others + 1}`} of that time.`
}
