import type { Random } from '../ports.ts'
import { type AcceptanceCase, demand, demandEqual } from './acceptance.ts'
import { DRAWS_COUNT, PLACE_VALUES_MIN } from './limits.ts'

/**
 * What every source of randomness must pass, without a test framework.
 * @param makeRandom makes the one to check, anew for each case.
 * @param isSeeded two that are made alike give the same bytes; otherwise no two may.
 */
export function randomAcceptance(makeRandom: () => Random, isSeeded: boolean): AcceptanceCase[] {
  const check = (name: string, run: (random: Random) => void): AcceptanceCase => ({
    name,
    run: async () => run(makeRandom()),
  })
  const draws = (random: Random) => Array.from({ length: DRAWS_COUNT }, () => random.bytes(16))
  return [
    check('gives as many bytes as it is asked for', (random) => {
      for (const count of [0, 1, 16, 1_000]) {
        demandEqual(`bytes(${count})`, random.bytes(count).length, count)
      }
    }),
    check('gives other bytes each time', (random) => {
      const given = draws(random).map((bytes) => bytes.join())
      demandEqual(`different draws of ${DRAWS_COUNT}`, new Set(given).size, DRAWS_COUNT)
    }),
    check(
      `gives ${isSeeded ? 'the same bytes as' : 'other bytes than'} one made alike`,
      (random) => {
        const [one, other] = [random.bytes(16).join(), makeRandom().bytes(16).join()]
        demandEqual('whether two give the same bytes', one === other, isSeeded)
      },
    ),
    check('gives every value of a byte', (random) => {
      // 8,192 bytes miss one of 256 values by chance once in 10^11 times.
      demandEqual('values of 256', new Set(random.bytes(8_192)).size, 256)
    }),
    check('gives many values at every place of a draw', (random) => {
      const given = draws(random)
      for (let place = 0; place < 16; place++) {
        const values = new Set(given.map((bytes) => bytes[place])).size
        demand(
          values >= PLACE_VALUES_MIN,
          `${values} values at place ${place} of ${DRAWS_COUNT} draws`,
        )
      }
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
