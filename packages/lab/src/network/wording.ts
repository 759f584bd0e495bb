import {
  encodeMessage,
  type Judged,
  judgeMessage,
  type Message,
  type ModelShape,
} from '@layerswarm/swarm'
import type { LabStation } from './lane.ts'

/** A message as it goes over a stream: its bytes without framing, and the verdict on them, which is everybody's. */
interface Worded {
  readonly bytes: number
  readonly content: Judged
}

/** Encodes what is told over streams; the same goes to many, one after another, and is encoded once. */
export class Wording {
  private readonly shape: ModelShape
  private last: { from: LabStation; message: Message; worded: Worded } | undefined

  constructor(shape: ModelShape) {
    this.shape = shape
  }

  of(from: LabStation, message: Message): Worded {
    const { last } = this
    if (last?.message === message && last.from === from) return last.worded
    const encoded = encodeMessage(message)
    const content = judgeMessage(encoded, undefined, from.peer, this.shape)
    const worded = { bytes: encoded.length, content }
    this.last = { from, message, worded }
    return worded
  }
}
