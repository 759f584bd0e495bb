// The wall clock of a process whose machine has another idea of the time at each SIGUSR2: two hours ahead, two hours
// behind, and right again. Loaded before all else (node --import); what counts on alone, as performance.now(), stays.
const HOURS_MS = 2 * 3_600_000
const OFFSETS_MS = [0, HOURS_MS, -HOURS_MS]

let turn = 0
process.on('SIGUSR2', () => {
  turn = (turn + 1) % OFFSETS_MS.length
})

const Right = Date
globalThis.Date = class extends Right {
  constructor(...words) {
    if (words.length === 0) super(Right.now() + OFFSETS_MS[turn])
    else super(...words)
  }
  static now() {
    return Right.now() + OFFSETS_MS[turn]
  }
}
