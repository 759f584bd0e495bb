import type { Clock } from '../ports.ts'
import {
  type AcceptanceBench,
  type AcceptanceCase,
  caseOn,
  demand,
  demandEqual,
  until,
} from './acceptance.ts'
import { LATE_MS } from './limits.ts'

/** A clock to check; its time passes while the bench settles. */
export interface ClockBench extends AcceptanceBench {
  readonly clock: Clock
}

/** What every clock must pass, without a test framework. @param openBench makes a clock for each case. */
export function clockAcceptance(openBench: () => Promise<ClockBench>): AcceptanceCase[] {
  const check = (name: string, run: (bench: ClockBench) => Promise<void>) =>
    caseOn(openBench, name, run)
  return [
    check('goes on and never back', neverGoesBack),
    check('wakes once, and not before its time', wakesOnce),
    check('wakes each of many, once and not before its time', wakesMany),
    check('wakes soon for a time that is past, and not inside the call', wakesForThePast),
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
    if (++looks < 30) clock.wakeAt(last + 3, watch)
  }
  clock.wakeAt(start, watch)
  for (let i = 0; i < 20; i++) {
    look()
    await bench.settle(10)
    look()
  }
  demand(last > start, `the clock stands at ${start} ms`)
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
