/** A running hash over everything that happens: equal traces mean that a run was repeated exactly. */
export class Trace {
  private low = 0x811c9dc5
  private high = 0x9e3779b9

  /** Mixes in one event; times count to a thousandth of a millisecond. */
  note(atMs: number, kind: number, a: number, b: number): void {
    const whole = Math.floor(atMs)
    const part = Math.floor((atMs - whole) * 1_000)
    this.low = Math.imul(this.low ^ whole ^ (kind << 24), 0x01000193)
    this.low = Math.imul(this.low ^ (a + (part << 16)), 0x85ebca6b)
    this.high = Math.imul(this.high ^ this.low ^ (b + (part << 8)), 0xc2b2ae35)
    this.high ^= this.high >>> 15
  }

  /** Sixteen hex digits. */
  hash(): string {
    return [this.high, this.low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
  }
}
