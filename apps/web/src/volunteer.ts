import type { PeerSnapshot } from '@layerswarm/peer'
import { RECORD_INTERVAL_MS, RULES_INTERVAL_MS, TAB_TELL_MS } from './limits.ts'
import { type Conditions, type PauseRules, parseRules, pauseReason } from './logic/pause-rules.ts'
import {
  addTotals,
  parsedFields,
  parseRecord,
  type Record,
  recordText,
  type Totals,
  thanksText,
} from './logic/record.ts'
import { createTabCount } from './logic/tabs.ts'
import type { KeptShare, Share } from './ui/join-panel.ts'

const RECORD_ITEM = 'layerswarm record'
const RULES_ITEM = 'layerswarm rules'
const SHARE_ITEM = 'layerswarm share'
const NOTHING: Totals = { images: 0, layerRuns: 0, bytes: 0, ms: 0 }

/** What becomes of a volunteer's choices. */
export interface VolunteerEvents {
  /** By the rules it rests from now on, or helps again. */
  rested(reason: string | undefined): void
  /** What this device has given, as a line. */
  recorded(line: string | undefined): void
  /** So many other tabs of this browser are in the swarm. */
  tabsChanged(others: number): void
}

/** Whoever gives this device: their choices and what came of them stay on it, across visits. */
export interface Volunteer {
  readonly rules: PauseRules
  setRules(rules: PauseRules): void
  /** What was chosen to give on an earlier visit; undefined where nothing was. */
  readonly share: KeptShare
  keepShare(share: Share): void
  /** How this tab stands. */
  looked(snapshot: PeerSnapshot, images: number): void
  /** This tab is out of the swarm. @returns thanks, where there is something to thank for. */
  left(): string | undefined
}

/** Begins to watch the device. Without storage everything is forgotten with the page. */
export function createVolunteer(storage: Storage | undefined, events: VolunteerEvents): Volunteer {
  let rules = parseRules(read(storage, RULES_ITEM))
  let record: Record = parseRecord(read(storage, RECORD_ITEM))
  let now = NOTHING
  let kept = NOTHING
  let keptMs = 0
  let isIn = false
  let resting: string | undefined
  const conditions = watchConditions()
  const tabs = tellTabs(() => isIn, events.tabsChanged)
  const wake = createWakeLock()

  function keep() {
    // Other tabs of this browser add to the same record.
    record = addTotals(parseRecord(read(storage, RECORD_ITEM)), now, kept, today())
    kept = now
    keptMs = performance.now()
    write(storage, RECORD_ITEM, record)
    events.recorded(recordText(record))
  }

  function rest() {
    const reason = isIn ? pauseReason(rules, conditions()) : undefined
    wake.hold(isIn && rules.wake && reason === undefined)
    if (reason === resting) return
    resting = reason
    events.rested(reason)
  }

  setInterval(rest, RULES_INTERVAL_MS)
  // Whoever listens may be made in the same turn.
  queueMicrotask(() => events.recorded(recordText(record)))
  addEventListener('pagehide', () => {
    if (isIn) keep()
    isIn = false
    tabs.tell()
  })
  return {
    get rules() {
      return rules
    },
    share: parseShare(read(storage, SHARE_ITEM)),
    keepShare: (share) => write(storage, SHARE_ITEM, share),
    setRules(next) {
      rules = next
      write(storage, RULES_ITEM, next)
      rest()
    },
    looked(snapshot, images) {
      const wasIn = isIn
      isIn = snapshot.state === 'serving' || snapshot.state === 'paused'
      if (!isIn) return
      now = totalsOf(snapshot, images)
      if (!wasIn) {
        kept = NOTHING
        tabs.tell()
        rest()
      }
      if (performance.now() - keptMs >= RECORD_INTERVAL_MS) keep()
    },
    left() {
      const visit = now
      if (visit.layerRuns > 0 || visit.ms > 0) keep()
      isIn = false
      tabs.tell()
      rest()
      now = NOTHING
      kept = NOTHING
      return thanksText(visit)
    },
  }
}

function totalsOf({ served, bytes, uptimeMs }: PeerSnapshot, images: number): Totals {
  const { gossipIn, gossipOut, tensorsIn, tensorsOut } = bytes
  const moved = gossipIn + gossipOut + tensorsIn + tensorsOut
  return { images, layerRuns: served, bytes: moved, ms: uptimeMs }
}

function parseShare(text: string | null): KeptShare {
  const value = parsedFields(text)
  const [layers, time] = [value.get('layers'), value.get('time')]
  return {
    layers:
      typeof layers === 'number' && Number.isInteger(layers) && layers >= 0 ? layers : undefined,
    time: typeof time === 'number' && time > 0 && time <= 1 ? time : undefined,
  }
}

/** The day of this device's own clock and zone. */
function today(): string {
  const now = new Date()
  const two = (value: number) => String(value).padStart(2, '0')
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`
}

/** What some browsers tell of a device; TypeScript's DOM library lacks it. */
interface DeviceNavigator {
  getBattery?(): Promise<EventTarget & { readonly charging: boolean }>
  readonly connection?: { readonly saveData?: boolean; readonly type?: string }
}

function watchConditions(): () => Conditions {
  const device = navigator as unknown as DeviceNavigator
  let isCharging = true
  let hiddenSinceMs: number | undefined
  const look = () => {
    if (document.visibilityState === 'hidden') hiddenSinceMs ??= performance.now()
    else hiddenSinceMs = undefined
  }
  look()
  document.addEventListener('visibilitychange', look)
  device.getBattery?.().then(
    (battery) => {
      const read = () => {
        isCharging = battery.charging
      }
      read()
      battery.addEventListener('chargingchange', read)
    },
    () => undefined,
  )
  return () => {
    const now = new Date()
    const { saveData, type } = device.connection ?? {}
    return {
      onBattery: !isCharging,
      isMetered: saveData === true || type === 'cellular',
      hiddenMs: hiddenSinceMs === undefined ? 0 : performance.now() - hiddenSinceMs,
      minute: now.getHours() * 60 + now.getMinutes(),
    }
  }
}

/** A lock of this name and a tab's own is held for as long as the tab is there. */
const TAB_LOCK = 'layerswarm tab '

/** Tells the other tabs of this browser that this one is in the swarm, and counts them. */
function tellTabs(isIn: () => boolean, changed: (others: number) => void): { tell(): void } {
  const channel = new BroadcastChannel('layerswarm tabs')
  const tab = crypto.getRandomValues(new Uint32Array(2)).join('-')
  const count = createTabCount()
  let told = 0
  const look = () => {
    const others = count.others(performance.now())
    if (others === told) return
    told = others
    changed(others)
  }
  const tell = () => channel.postMessage({ tab, isIn: isIn() })
  // A lock ends with its tab, also where that could not say goodbye; pages that are not secure have none.
  const locks: LockManager | undefined = navigator.locks
  void locks?.request(TAB_LOCK + tab, () => new Promise(() => {})).catch(() => undefined)
  const forgetGone = async () => {
    const { held = [] } = (await locks?.query().catch(() => undefined)) ?? {}
    if (held.length === 0) return
    const names = new Set(held.map(({ name }) => name))
    count.keep((other) => names.has(TAB_LOCK + other))
    look()
  }
  channel.addEventListener('message', ({ data }) => {
    count.heard(data, performance.now())
    look()
  })
  setInterval(() => {
    if (isIn()) tell()
    look()
    void forgetGone()
  }, TAB_TELL_MS)
  return { tell }
}

/** Keeps the screen on while it is held, where the browser lets it. */
function createWakeLock(): { hold(wanted: boolean): void } {
  let lock: WakeLockSentinel | undefined
  let isWanted = false
  async function take() {
    if (!('wakeLock' in navigator) || document.visibilityState !== 'visible') return
    lock = await navigator.wakeLock.request('screen').catch(() => undefined)
    if (!isWanted) await lock?.release()
  }
  // Browsers let go of it whenever the tab is hidden.
  document.addEventListener('visibilitychange', () => {
    if (isWanted) void take()
  })
  return {
    hold(wanted) {
      if (wanted === isWanted) return
      isWanted = wanted
      if (wanted) void take()
      else void lock?.release()
    },
  }
}

function read(storage: Storage | undefined, item: string): string | null {
  try {
    return storage?.getItem(item) ?? null
  } catch {
    return null
  }
}

function write(storage: Storage | undefined, item: string, value: unknown): void {
  try {
    storage?.setItem(item, JSON.stringify(value))
  } catch {
    // Forbidden or full: it is kept for as long as the page is open.
  }
}
