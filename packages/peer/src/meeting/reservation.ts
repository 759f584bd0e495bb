import type { Connection } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { RELAY_ANSWER_BYTES_MAX } from '../limits.ts'

/** Circuit relay v2 between a peer and its relay (libp2p's specification of it). */
const HOP_PROTOCOL = '/libp2p/circuit/relay/0.2.0/hop'
/** A `HopMessage` of the type RESERVE, as protobuf: field 1, 0. */
const RESERVE = new Uint8Array([8, 0])
/** Of a `HopMessage`: the field with the status, and its value for OK. */
const STATUS = Object.freeze({ field: 5, ok: 100 })

/**
 * Asks the relay at the other end for a reservation, for the time that it grants one from now on. libp2p asks
 * again when the end draws near that the relay has named, in the relay's own wall clock; where one of the two
 * clocks is wrong by an hour, that is an hour after the reservation has ended.
 * @returns whether it was granted.
 * @throws Error of libp2p when the relay does not answer; the signal's reason.
 */
export async function reserve(connection: Connection, signal: AbortSignal): Promise<boolean> {
  const stream = await connection.newStream(HOP_PROTOCOL, { signal })
  try {
    const messages = lpStream(stream, { maxDataLength: RELAY_ANSWER_BYTES_MAX })
    await messages.write(RESERVE, { signal })
    const answer = await messages.read({ signal })
    return varintField(answer.subarray(), STATUS.field) === STATUS.ok
  } finally {
    stream.abort(new Error('answered, or not'))
  }
}

/**
 * The value of a whole number among the fields of a protobuf message (its encoding: a key of field and wire
 * type before each, 0 for a number, 2 for bytes behind their length). Undefined when there is none, or the
 * message is no such one.
 */
export function varintField(bytes: Uint8Array, field: number): number | undefined {
  let at = 0
  const varint = () => {
    let value = 0
    for (let shift = 1; at < bytes.length; shift *= 128) {
      const byte = bytes[at++] ?? 0
      value += (byte & 127) * shift
      if (byte < 128) return value
    }
    return Number.NaN
  }
  while (at < bytes.length) {
    const key = varint()
    const value = varint()
    if (key === field * 8) return Number.isSafeInteger(value) ? value : undefined
    if (key % 8 === 2) at += value
    else if (key % 8 !== 0) return undefined
    if (!Number.isSafeInteger(at)) return undefined
  }
  return undefined
}
