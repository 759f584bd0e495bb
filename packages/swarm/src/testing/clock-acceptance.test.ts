import { describe, expect, test } from 'vitest'
import type { Clock } from '../ports.ts'
import { failing, virtualTime } from './acceptance-breaks.ts'
import { type ClockBench, clockAcceptance } from './clock-acceptance.ts'

async function clockBench(change = (clock: Clock) => clock): Promise<ClockBench> {
  const { clock, ...time } = virtualTime()
  return { ...time, otherNowMs: () => clock.nowMs(), clock: change(clock) }
}

describe('the virtual clock is a clock: it', () => {
  for (const { name, run } of clockAcceptance(clockBench)) test(name, run)
})

describe('the suite of clocks catches one that', () => {
  const breaks: [string, (clock: Clock) => Partial<Clock>, string][] = [
    [
      'runs back',
      (clock) => {
        let looks = 0
        return { nowMs: () => clock.nowMs() - (++looks % 7) }
      },
      'goes on and never back',
    ],
    [
      'runs back after two seconds',
      (clock) => ({ nowMs: () => clock.nowMs() - (clock.nowMs() > 2_000 ? 500 : 0) }),
      'goes on and never back',
    ],
    [
      'goes twice as fast',
      (clock) => ({ nowMs: () => 2 * clock.nowMs() }),
      'goes as fast as other clocks',
    ],
    [
      'goes half as fast',
      (clock) => ({ nowMs: () => clock.nowMs() / 2 }),
      'goes as fast as other clocks',
    ],
    [
      'fires a second late',
      (clock) => ({ wakeAt: (atMs, fire) => clock.wakeAt(atMs + 1_000, fire) }),
      'wakes soon after the time',
    ],
    [
      'fires a tenth of a second late',
      (clock) => ({ wakeAt: (atMs, fire) => clock.wakeAt(atMs + 100, fire) }),
      'wakes soon after the time',
    ],
    [
      'fires at once for what is in a month',
      (clock) => ({
        wakeAt: (atMs, fire) =>
          clock.wakeAt(atMs - clock.nowMs() > 2 ** 31 ? clock.nowMs() : atMs, fire),
      }),
      'does not wake for what is far in the future',
    ],
    [
      'fires at once for never',
      (clock) => ({
        wakeAt: (atMs, fire) =>
          clock.wakeAt(atMs === Number.POSITIVE_INFINITY ? clock.nowMs() : atMs, fire),
      }),
      'does not wake for what is far in the future',
    ],
    ['stands still', () => ({ nowMs: () => 5 }), 'goes on and never back'],
    [
      'fires early',
      (clock) => ({ wakeAt: (atMs, fire) => clock.wakeAt(atMs - 1, fire) }),
      'wakes once, and not before its time',
    ],
    [
      'fires twice',
      (clock) => ({
        wakeAt(atMs, fire) {
          clock.wakeAt(atMs + 1, fire)
          return clock.wakeAt(atMs, fire)
        },
      }),
      'wakes once, and not before its time',
    ],
    [
      'fires what was cancelled',
      (clock) => ({
        wakeAt(atMs, fire) {
          clock.wakeAt(atMs, fire)
          return () => {}
        },
      }),
      'does not wake for what was cancelled',
    ],
    [
      'fires inside the call',
      (clock) => ({
        wakeAt(atMs, fire) {
          if (atMs > clock.nowMs()) return clock.wakeAt(atMs, fire)
          fire()
          return () => {}
        },
      }),
      'wakes soon for a time that is past, and not inside the call',
    ],
    [
      'has one timer only',
      (clock) => {
        let cancel = () => {}
        return {
          wakeAt(atMs, fire) {
            cancel()
            cancel = clock.wakeAt(atMs, fire)
            return cancel
          },
        }
      },
      'wakes each of many, once and not before its time',
    ],
  ]

  test.each(breaks)('%s', async (_, change, name) => {
    const bench = () =>
      clockBench((clock) => ({
        nowMs: () => clock.nowMs(),
        wakeAt: (atMs, fire) => clock.wakeAt(atMs, fire),
        ...change(clock),
      }))
    expect(await failing(clockAcceptance(bench))).toContain(name)
  })
})
