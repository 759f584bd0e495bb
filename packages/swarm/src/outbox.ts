import { isUnsigned, signed } from './chain/own-link.ts'
import { type LinkStatement, lastStatement } from './chain/statement.ts'
import type { Effect } from './effects.ts'
import type { MemberPorts } from './member.ts'
import type { Message, Signature, Step } from './wire/messages.ts'

/** What a member says and sends. */
export type Sent = Extract<Effect, { do: 'publish' | 'tell' | 'push' | 'ask-again' }>

/**
 * What leaves a member, in the order in which its machine wants it to.
 *
 * 1. A step that the member says is signed before it leaves, and what comes after it waits: whoever is sent a
 *    tensor knows why before its first byte.
 * 2. Presence carries the clock at which it leaves.
 * 3. What cannot be signed is not said.
 */
export class Outbox {
  private readonly ports: Pick<MemberPorts, 'transport' | 'clock'>
  private readonly release: string
  private readonly waiting: Sent[] = []
  private readonly signed: (link: LinkStatement) => void
  private isSigning = false

  /**
   * @param release hash of the manifest, hex.
   * @param signed told of each link that was signed here, before it leaves.
   */
  constructor(
    ports: Pick<MemberPorts, 'transport' | 'clock'>,
    release: string,
    signed: (link: LinkStatement) => void,
  ) {
    this.ports = ports
    this.release = release
    this.signed = signed
  }

  send(effect: Sent): void {
    this.waiting.push(effect)
    this.sendAll()
  }

  private sendAll(): void {
    while (!this.isSigning) {
      const effect = this.waiting.shift()
      if (effect === undefined) return
      const step = stepOf(effect)
      if (step === undefined || !isUnsigned(step)) this.leave(effect)
      else this.sign(effect, step)
    }
  }

  private sign(effect: Sent, step: Step): void {
    const statement = lastStatement(step, this.release)
    if (statement === undefined) return
    this.isSigning = true
    this.ports.transport.sign(statement.bytes, (signature) => {
      this.isSigning = false
      if (signature !== undefined) {
        this.signed({ ...statement, signature })
        this.leave(withSignature(effect, step, signature))
      }
      this.sendAll()
    })
  }

  private leave(effect: Sent): void {
    const { transport, clock } = this.ports
    const atMs = (message: Message): Message =>
      message.kind === 'presence' ? { ...message, clockMs: clock.nowMs() } : message
    switch (effect.do) {
      case 'publish':
        return transport.publish(atMs(effect.message))
      case 'tell': {
        const message = atMs(effect.message)
        for (const to of effect.to) transport.tell(message, to)
        return
      }
      case 'push':
        return transport.push(effect.hash, effect.to)
      case 'ask-again':
        return
      default:
        effect satisfies never
    }
  }
}

/** The step that has to be signed before this leaves. */
function stepOf(effect: Sent): Step | undefined {
  if (effect.do === 'push') return undefined
  if (effect.do === 'ask-again') return effect.step
  return effect.message.kind === 'step' ? effect.message : undefined
}

function withSignature(effect: Sent, step: Step, signature: Signature): Sent {
  switch (effect.do) {
    case 'ask-again': {
      const { request, era, route, barred } = step
      const { suspect, to } = effect
      const message = {
        kind: 'again',
        request,
        era,
        hop: route.length,
        suspect,
        barred,
        signature,
      } as const
      return { do: 'tell', message, to: [to] }
    }
    case 'push':
      return effect
    default:
      return { ...effect, message: signed(step, signature) }
  }
}
