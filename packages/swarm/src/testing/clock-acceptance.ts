import type { Clock } from '../ports.ts'
import {
  type AcceptanceBench,
  type AcceptanceCase,
  caseOn,
  demand,
  demandEqual,
  until,
} from './acceptance.ts'
import { CLOCKS_APART_MS, LATE_MS, LOOK_MS, PUNCTUAL_MS, WATCHED_MS } from './limits.ts'

/** A clock to check; its time passes while the bench settles. */
export interface ClockBench extends AcceptanceBench {
  readonly clock: Clock
  /** The same time by another clock, from any start, milliseconds; a virtual clock has no other. */
  otherNowMs(): number
}

/** What every clock must pass, without a test framework. @param openBench makes a clock for each case. */
export function clockAcceptance(openBench: () => Promise<ClockBench>): AcceptanceCase[] {
  const check = (name: string, run: (bench: ClockBench) => Promise<void>) =>
    caseOn(openBench, name, run)
  return [
    check('goes on and never back', neverGoesBack),
    check('goes as fast as other clocks', keepsPace),
    check('wakes once, and not before its time', wakesOnce),
    check('wakes soon after the time', wakesInTime),
    check('wakes each of many, once and not before its time', wakesMany),
    check('wakes soon for a time that is past, and not inside the call', wakesForThePast),
    check('does not wake for what is far in the future', waitsForTheFuture),
    check('wakes for what was asked while it woke', wakesFromInside),
    check('does not wake for what was cancelled', cancels),
    check('lets others at the same time be when one is cancelled', cancelsOne),
    check('does not mind a cancel that comes late or twice', cancelsLate),
  ]
}

async function neverGoesBack(bench: ClockBench): Promise<void> {
  const { clock } = bench
  const start = clock.nowMs()
  let last = start
  const look = () => {
    const now = clock.nowMs()
    demand(now >= last, `the clock went back from ${last} to ${now} ms`)
    last = now
  }
  let looks = 0
  const watch = () => {
    look()
    // Counted: a clock that stands would be looked at for ever.
    if (++looks < WATCHED_MS / LOOK_MS) clock.wakeAt(last + LOOK_MS, watch)
  }
  clock.wakeAt(start, watch)
  for (let watched = 0; watched < WATCHED_MS; watched += LOOK_MS) {
    look()
    await bench.settle(LOOK_MS)
    look()
  }
  demand(last > start, `the clock stands at ${start} ms`)
}

async function keepsPace(bench: ClockBench): Promise<void> {
  const { clock } = bench
  // Whatever comes between two looks, the one clock's time lies between the other's two.
  const look = () => {
    const before = bench.otherNowMs()
    const ms = clock.nowMs()
    return { before, ms, after: bench.otherNowMs() }
  }
  const start = look()
  await bench.settle(100)
  const end = look()
  const ms = end.ms - start.ms
  const [least, most] = [end.before - start.after, end.after - start.before]
  demand(
    ms >= least - CLOCKS_APART_MS && ms <= most + CLOCKS_APART_MS,
    `${ms} ms passed, by another clock ${least} to ${most} ms`,
  )
}

/** Asks to be woken and keeps the times at which that happened. */
function wake({ clock }: ClockBench, atMs: number) {
  const woken: number[] = []
  const cancel = clock.wakeAt(atMs, () => woken.push(clock.nowMs()))
  return { atMs, woken, cancel }
}

/** Waits for the one time and some more. */
async function demandOnce(bench: ClockBench, wakes: readonly ReturnType<typeof wake>[]) {
  await until(bench, 'a wake', () => wakes.every(({ woken }) => woken.length > 0), LATE_MS)
  await bench.settle(50)
  for (const { atMs, woken } of wakes) {
    demandEqual('times that it woke', woken.length, 1)
    const [at = Number.NaN] = woken
    demand(at >= atMs, `it woke at ${at} ms, ${atMs - at} ms before its time`)
  }
}

async function wakesOnce(bench: ClockBench): Promise<void> {
  // Parts of a millisecond: a timer that rounds them down is early.
  const now = bench.clock.nowMs()
  await demandOnce(
    bench,
    [0.4, 5.9, 20, 50.7].map((ms) => wake(bench, now + ms)),
  )
}

/** One in time is enough: on a busy machine some are late, on a slow clock all are. */
async function wakesInTime(bench: ClockBench): Promise<void> {
  const { clock } = bench
  const late: number[] = []
  const atMs = (at: number) => clock.wakeAt(at, () => late.push(clock.nowMs() - at))
  const isInTime = () => {
    atMs(clock.nowMs() + LOOK_MS)
    return Math.min(...late) <= PUNCTUAL_MS
  }
  await until(bench, `a wake at most ${PUNCTUAL_MS} ms late`, isInTime, LATE_MS)
}

async function wakesMany(bench: ClockBench): Promise<void> {
  const now = bench.clock.nowMs()
  const wakes = Array.from({ length: 1_000 }, (_, i) =>
    wake(bench, now + ((i * 37) % 100) + i / 1_000),
  )
  await demandOnce(bench, wakes)
}

async function wakesForThePast(bench: ClockBench): Promise<void> {
  await bench.settle(20)
  const now = bench.clock.nowMs()
  const wakes = [now, now - 5, now - 1e9, Number.NEGATIVE_INFINITY].map((atMs) => wake(bench, atMs))
  for (const { woken } of wakes) demandEqual('times that it woke inside the call', woken.length, 0)
  await demandOnce(bench, wakes)
}

async function waitsForTheFuture(bench: ClockBench): Promise<void> {
  const now = bench.clock.nowMs()
  // A timer that counts in 31 or 32 bits takes the first for the past, or for soon.
  const waits = [2 ** 31 + 10, 2 ** 32 + 10, 1e12, Number.MAX_VALUE, Number.POSITIVE_INFINITY]
  const wakes = waits.map((ms) => wake(bench, now + ms))
  await bench.settle(100)
  for (const { atMs, woken } of wakes)
    demandEqual(`times that it woke for ${atMs}`, woken.length, 0)
  for (const { cancel } of wakes) cancel()
  await demandOnce(bench, [wake(bench, now + 1)])
}

async function wakesFromInside(bench: ClockBench): Promise<void> {
  const { clock } = bench
  const inner: ReturnType<typeof wake>[] = []
  clock.wakeAt(clock.nowMs() + 5, () => {
    inner.push(wake(bench, clock.nowMs()), wake(bench, clock.nowMs() + 5))
  })
  await until(bench, 'a wake', () => inner.length > 0, LATE_MS)
  await demandOnce(bench, inner)
}

async function cancels(bench: ClockBench): Promise<void> {
  const now = bench.clock.nowMs()
  const atOnce = wake(bench, now + 20)
  const later = wake(bench, now + 60)
  atOnce.cancel()
  bench.clock.wakeAt(now + 30, () => later.cancel())
  await bench.settle(200)
  for (const { woken } of [atOnce, later]) demandEqual('times that it woke', woken.length, 0)
}

async function cancelsOne(bench: ClockBench): Promise<void> {
  const at = bench.clock.nowMs() + 20
  const [before, cancelled, after] = [wake(bench, at), wake(bench, at), wake(bench, at)]
  cancelled.cancel()
  await demandOnce(bench, [before, after])
  demandEqual('times that it woke', cancelled.woken.length, 0)
}

async function cancelsLate(bench: ClockBench): Promise<void> {
  const one = wake(bench, bench.clock.nowMs() + 5)
  await demandOnce(bench, [one])
  one.cancel()
  one.cancel()
  const next = wake(bench, bench.clock.nowMs() + 5)
  one.cancel()
  await demandOnce(bench, [next])
}
