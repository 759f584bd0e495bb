import { randomBytes } from 'node:crypto'
import { encodeMessage, laneTopic, presenceTopic } from '@layerswarm/swarm'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, test } from 'vitest'
import { directConnection } from '../node/peer-connections.ts'
import {
  at,
  chain,
  closeLanes,
  dial,
  firstStep,
  heardStep,
  heldTensor,
  joinLane,
  type LaneMember,
  meet,
  offer,
  presenceOf,
  pull,
} from '../testing/test-lane.ts'
import { addressesOf, eventually, RELEASE } from '../testing/test-nodes.ts'

afterEach(closeLanes)

describe('a lane transport', { timeout: 30_000 }, () => {
  test('delivers a step to every other member with its signer, and not to its author', async () => {
    const members = await chain(3)
    const author = at(members, 0)
    const step = firstStep(author.transport.self)
    author.transport.publish(step)
    for (const member of members.slice(1)) {
      const heard = await eventually('delivery', () => member.heard[0])
      expect(heard).toEqual({ from: author.transport.self, message: step })
    }
    expect(author.heard).toEqual([])
    expect(at(members, 1).transport.bytes.gossipIn).toBe(encodeMessage(step).length)
  })

  test('passes a message on only while its author does not reach everybody itself', async () => {
    const members = await chain(3)
    const [author, middle, end] = [at(members, 0), at(members, 1), at(members, 2)]
    // By what they announce, the author reaches one of two; then, which is not true, both.
    for (const [links, arrives] of [
      [1, true],
      [2, false],
    ] as const) {
      author.transport.publish({ ...presenceOf(author), sequence: links, links })
      end.transport.publish({ ...presenceOf(end), sequence: links, links: 1 })
      await eventually(
        'both announcements',
        () =>
          middle.heard.filter(
            ({ message }) => message.kind === 'presence' && message.sequence === links,
          ).length === 2,
      )
      const step = firstStep(author.transport.self)
      const last = { kind: 'done', isPublic: false, request: step.request } as const
      author.transport.publish(step)
      await eventually('the step', () => heardStep(middle, step))
      // What the end hears afterwards shows that the step would have been there by now.
      middle.transport.publish(last)
      await eventually('what comes after', () =>
        end.heard.find(
          ({ message }) => message.kind === 'done' && message.request === last.request,
        ),
      )
      expect(heardStep(end, step) !== undefined).toBe(arrives)
    }
  })

  test('hands over a tensor by its hash', async () => {
    const [holder, puller] = await chain(2)
    if (holder === undefined || puller === undefined) throw new Error('no members')
    const bytes = new Uint8Array(randomBytes(300 * 1024))
    const hash = await offer(holder, bytes)
    if (hash === undefined) throw new Error('the offer was refused')
    const tensor = heldTensor(hash, bytes.length, holder.transport.self)
    // Comparing 300 KiB with toEqual takes seconds.
    expect(Buffer.compare((await pull(puller, tensor)) ?? Buffer.of(), bytes)).toBe(0)
    expect(await pull(puller, { ...tensor, size: bytes.length - 1 })).toBeUndefined()
    holder.transport.withdraw(hash)
    expect(await pull(puller, tensor)).toBeUndefined()
  })

  test('refuses what is malformed, in the wrong topic, or not the author’s to say, and stops it there', async () => {
    const members = await chain(3)
    const [liar, next, last] = [at(members, 0), at(members, 1), at(members, 2)]
    const { pubsub } = liar.node.services
    const lane = laneTopic(RELEASE, 0)
    await pubsub.publish(lane, Uint8Array.of(1, 2, 3))
    await pubsub.publish(presenceTopic(RELEASE, 0), encodeMessage(firstStep(liar.transport.self)))
    await pubsub.publish(lane, encodeMessage(firstStep(last.transport.self)))
    const honest = firstStep(liar.transport.self)
    liar.transport.publish(honest)
    await eventually('the honest step', () => last.heard.length > 0)
    expect(next.heard.map(({ message }) => message)).toEqual([honest])
    expect(last.heard.map(({ message }) => message)).toEqual([honest])
  })

  test('drops a message whose signature is not its author’s', async () => {
    const members = await chain(3)
    const [liar, next, last] = [at(members, 0), at(members, 1), at(members, 2)]
    const victim = firstStep(last.transport.self)
    await impersonate(liar, last.node.peerId.toMultihash().bytes, encodeMessage(victim))
    const honest = firstStep(liar.transport.self)
    liar.transport.publish(honest)
    await eventually('the honest step', () => last.heard.length > 0)
    expect(next.heard.map(({ message }) => message)).toEqual([honest])
  })

  test('hangs up on a neighbour that keeps sending what it should have refused', async () => {
    const [liar, victim] = await chain(2)
    if (liar === undefined || victim === undefined) throw new Error('no members')
    for (let i = 0; i < 6; i++) {
      await liar.node.services.pubsub.publish(laneTopic(RELEASE, 0), Uint8Array.of(i))
    }
    await eventually(
      'the hang-up',
      () => directConnection(victim.node, liar.transport.self) === undefined,
    )
    expect(victim.gate.isBanned(liar.transport.self, performance.now())).toBe(true)
    await eventually('the report', () => victim.gone.includes(liar.transport.self))
    expect(victim.heard).toEqual([])
  })

  test('does not hear a banned peer through others either', async () => {
    const [liar, middle, victim] = (await chain(3)) as [LaneMember, LaneMember, LaneMember]
    victim.transport.ban(liar.transport.self)
    const unheard = firstStep(liar.transport.self)
    liar.transport.publish(unheard)
    await eventually('the step', () => heardStep(middle, unheard))
    // What the victim hears afterwards shows that the step would have been there by now.
    const honest = firstStep(middle.transport.self)
    middle.transport.publish(honest)
    await eventually('the honest step', () => heardStep(victim, honest))
    expect(victim.heard.map(({ from }) => from)).toEqual([middle.transport.self])
    expect(directConnection(victim.node, middle.transport.self)).toBeDefined()
  })

  test('hangs up on a banned peer, says so once, and keeps it out for the time of the ban', async () => {
    const banMs = 3_000
    const [liar, victim] = [await joinLane(), await joinLane({ banMs })]
    await meet(liar, victim)
    const bannedMs = performance.now()
    victim.transport.ban(liar.transport.self)
    await eventually('both reports', () => liar.gone.length > 0 && victim.gone.length > 0)
    const opened: string[] = []
    victim.node.addEventListener('connection:open', ({ detail }) =>
      opened.push(detail.remotePeer.toString()),
    )
    await expect(dial(victim, liar)).rejects.toThrow()
    // To the one that dials the connection may stand for a moment, until the other has closed it.
    await dial(liar, victim).catch(() => undefined)
    await eventually('the refusal', () => liar.node.getConnections(victim.node.peerId).length === 0)
    expect(opened).toEqual([])
    expect(performance.now() - bannedMs, 'the test took longer than the ban').toBeLessThan(banMs)
    expect(victim.gone).toEqual([liar.transport.self])
    await new Promise((resolve) => setTimeout(resolve, bannedMs + banMs - performance.now()))
    await meet(liar, victim)
    const step = firstStep(liar.transport.self)
    liar.transport.publish(step)
    await eventually('the step', () => heardStep(victim, step))
  })

  test('tells the loss of a peer once, though it said goodbye before and had two connections', async () => {
    const [leaver, stayer] = (await chain(2)) as [LaneMember, LaneMember]
    const [address] = addressesOf(leaver.node).filter((one) => one.includes('/ws'))
    await stayer.node.dial(multiaddr(address), { force: true })
    await eventually('both', () => stayer.node.getConnections(leaver.node.peerId).length === 2)
    stayer.transport.reportGone(leaver.transport.self)
    await leaver.node.stop()
    await eventually('the loss', () => stayer.node.getConnections().length === 0)
    expect(stayer.gone).toEqual([leaver.transport.self])
  })

  test('ignores an author beyond its quota without blaming anybody', async () => {
    const [flood, victim] = await chain(2)
    if (flood === undefined || victim === undefined) throw new Error('no members')
    const presence = presenceOf(flood)
    for (let sequence = 0; sequence < 120; sequence++) {
      flood.transport.publish({ ...presence, sequence })
    }
    await flood.transport.flush()
    const step = firstStep(flood.transport.self)
    flood.transport.publish(step)
    await eventually('the step', () => victim.heard.some(({ message }) => message.kind === 'step'))
    const heard = victim.heard.filter(({ message }) => message.kind === 'presence').length
    expect(heard).toBeGreaterThanOrEqual(40)
    expect(heard).toBeLessThan(80)
    expect(directConnection(victim.node, flood.transport.self)).toBeDefined()
  })

  test('reports a peer whose last connection closed', async () => {
    const [leaver, stayer] = await chain(2)
    if (leaver === undefined || stayer === undefined) throw new Error('no members')
    await leaver.node.stop()
    await eventually('the report', () => stayer.gone.includes(leaver.transport.self))
  })
})

/** Publishes under another peer's id with an own signature, as no honest node can. */
async function impersonate(
  { node }: LaneMember,
  from: Uint8Array,
  data: Uint8Array,
): Promise<void> {
  const config: unknown = Reflect.get(node.services.pubsub, 'publishConfig')
  if (typeof config !== 'object' || config === null)
    throw new Error('gossipsub changed its insides')
  const author: unknown = Reflect.get(config, 'author')
  Reflect.set(config, 'author', { toMultihash: () => ({ bytes: from }) })
  try {
    await node.services.pubsub.publish(laneTopic(RELEASE, 0), data)
  } finally {
    Reflect.set(config, 'author', author)
  }
}
