import type { Random } from '../ports.ts'
import { type AcceptanceCase, demand, demandEqual } from './acceptance.ts'

/**
 * What every source of randomness must pass, without a test framework.
 * @param makeRandom makes the one to check, anew for each case.
 */
export function randomAcceptance(makeRandom: () => Random): AcceptanceCase[] {
  const check = (name: string, run: (random: Random) => void): AcceptanceCase => ({
    name,
    run: async () => run(makeRandom()),
  })
  return [
    check('gives as many bytes as it is asked for', (random) => {
      for (const count of [0, 1, 16, 1_000]) {
        demandEqual(`bytes(${count})`, random.bytes(count).length, count)
      }
    }),
    check('gives other bytes each time', (random) => {
      const draws = Array.from({ length: 100 }, () => random.bytes(16).join())
      demandEqual('different draws of 100', new Set(draws).size, draws.length)
    }),
    check('gives every value of a byte', (random) => {
      // 8,192 bytes miss one of 256 values by chance once in 10^11 times.
      demandEqual('values of 256', new Set(random.bytes(8_192)).size, 256)
    }),
    check('gives bytes that stay as they were when more are drawn', (random) => {
      const first = random.bytes(16)
      const before = first.join()
      random.bytes(16)
      demandEqual('an earlier draw afterwards', first.join(), before)
    }),
    check('gives bytes that are the caller’s to change', (random) => {
      const first = random.bytes(16)
      first.fill(0)
      demand(
        random.bytes(16).some((byte) => byte !== 0),
        'a later draw shows what was done to an earlier one',
      )
    }),
  ]
}
