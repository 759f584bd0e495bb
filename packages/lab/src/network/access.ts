/** What an access is made from: bytes per millisecond each way. */
export interface AccessSpeeds {
  readonly up: number
  readonly down: number
}

/**
 * One peer's access to the network, and the reader behind it: what is sent, received and read, one after another.
 *
 * 1. The uplink is free again once it has sent all that it was given, messages and streams alike.
 * 2. Streams share the downlink one after another; messages are small and do not wait for them.
 * 3. The reader takes one message at a time.
 */
export class Access {
  private readonly speeds: AccessSpeeds
  private upFreeAtMs = 0
  private readFreeAtMs = 0
  private streamFreeAtMs = 0

  constructor(speeds: AccessSpeeds) {
    this.speeds = speeds
  }

  /** How long the uplink still has to send what it was given, milliseconds. */
  uplinkWaitMs(nowMs: number): number {
    return this.upFreeAtMs - nowMs
  }

  /** Queues bytes behind what the uplink still has to send. Returns when the last of them is out. */
  takeUplink(bytes: number, nowMs: number): number {
    this.upFreeAtMs = Math.max(this.upFreeAtMs, nowMs) + bytes / this.speeds.up
    return this.upFreeAtMs
  }

  /** Takes bytes of a stream, after the streams before it, not before `atMs`. Returns when they are there. */
  takeDownlink(bytes: number, atMs: number): number {
    this.streamFreeAtMs = Math.max(atMs, this.streamFreeAtMs) + bytes / this.speeds.down
    return this.streamFreeAtMs
  }

  /** When it has read all that has arrived. */
  get readsUntilMs(): number {
    return this.readFreeAtMs
  }

  /** Queues work behind the messages that it still has to read. Returns when that work begins. */
  takeReader(ms: number, nowMs: number): number {
    const beginsAtMs = this.readFreeAtMs
    this.readFreeAtMs = Math.max(beginsAtMs, nowMs) + ms
    return beginsAtMs
  }
}
