import { expect, test } from 'vitest'
import { boundChain } from './chain/own-link.ts'
import type { MemberEvent } from './effects.ts'
import { judgeMessage } from './gate/message-rules.ts'
import {
  ERAS_MAX,
  FLIGHTS_PER_REQUESTER_MAX,
  INLINE_BYTES_MAX,
  PRESENCE_INTERVAL_MS_MAX,
} from './limits.ts'
import { REFUSALS_MAX } from './provider/limits.ts'
import type { ClassifyPolicy } from './request.ts'
import { ANY_SIGNATURE, anyTensor } from './testing/any-chain.ts'
import { anyPresence } from './testing/any-presence.ts'
import { sealedBy } from './testing/seals.ts'
import { SIMULATED_RELEASE, World } from './testing/world.ts'
import {
  encodeMessage,
  type Hop,
  type Message,
  type PeerId,
  type RequestId,
  type Step,
} from './wire/messages.ts'
import { laneTopic } from './wire/topics.ts'

/** One member that says what it should not, in a lane of two that serve everything. */
const impostor = 'impostor' as PeerId
const shape = { layers: 4, tokens: 5, width: 8 }

function lane(inlineBytes = INLINE_BYTES_MAX) {
  const world = new World({ shape })
  const asker = world.join('asker', { inlineBytes })
  const provider = world.join('provider', { serve: [0, 1, 2, 3] })
  const transport = world.network.join(impostor)
  world.clock.run(PRESENCE_INTERVAL_MS_MAX)
  return { world, asker, provider, transport }
}

/** As its author says it: with a true link of its own. */
const sealed = (step: Step) => sealedBy(impostor, step, SIMULATED_RELEASE)

/** A step whose last layer the impostor ran; of another’s request, in whose name it makes up a link. */
function stepOf(layers: readonly number[], given: Pick<Step, 'request' | 'requester'>): Step {
  const route: Hop[] = layers.map((layer) => ({
    layer,
    peer: impostor,
    backend: 'reference',
    ms: 1,
  }))
  const { tokens, width } = shape
  const bytes = new Uint8Array(tokens * width * 2).fill(1)
  const { requester } = given
  const first = {
    hop: 0,
    by: undefined,
    isOpen: false,
    tensor: requester === impostor ? undefined : anyTensor(0),
    signature: ANY_SIGNATURE,
  }
  return {
    ...given,
    kind: 'step',
    endsAtMs: 20_000,
    era: 0,
    route,
    chain: requester === impostor ? [] : [first],
    plan: [],
    activation: { place: 'inline', dtype: 'float16', batch: 1, tokens, width, bytes },
    input: undefined,
    next: undefined,
    silent: [],
    barred: [],
    isPrivate: false,
    remainingMs: 10_000,
  }
}

/** Asks, has the impostor tell the asker its step at once, and gives how the request ended. */
function outcomeOf(policy: Partial<ClassifyPolicy>, lie: (request: RequestId) => Step) {
  const { world, asker, transport } = lane()
  let outcome: MemberEvent | undefined
  asker.member.on((event) => {
    if (event.type === 'answered' || event.type === 'failed') outcome = event
  })
  const request = asker.member.ask(world.stem(), policy)
  transport.tell(sealed(lie(request)), asker.peer)
  world.clock.run(world.clock.nowMs() + 1_000, () => outcome !== undefined)
  if (outcome?.type !== 'answered') throw new Error('there is no answer')
  return outcome.answer
}

test('nobody ends a request early by a shorter plan than was asked for', () => {
  const { route } = outcomeOf({ minLayers: 4 }, (request) => ({
    ...stepOf([2], { request, requester: 'asker' as PeerId }),
    plan: [2],
  }))
  expect(route).toHaveLength(shape.layers)
})

test('nobody leaves the order that was asked for', () => {
  const { route } = outcomeOf({ plan: [0, 1, 2, 3] }, (request) =>
    stepOf([3, 2, 1, 0], { request, requester: 'asker' as PeerId }),
  )
  expect(route.map(({ layer }) => layer)).toEqual([0, 1, 2, 3])
})

test('nobody answers with another number of images than were asked about', () => {
  const { route } = outcomeOf({}, (request) => {
    const step = stepOf([0, 1, 2, 3], { request, requester: 'asker' as PeerId })
    const bytes = new Uint8Array(3 * shape.tokens * shape.width * 2)
    return { ...step, activation: { ...step.activation, place: 'inline', batch: 3, bytes } }
  })
  expect(route.map(({ peer }) => peer)).not.toContain(impostor)
})

/** What the others' gate finds wrong with a message of this author: nothing, or one line. */
function faultsOf(from: PeerId, message: Message): string[] {
  const topic = laneTopic(SIMULATED_RELEASE, 0)
  const judged = judgeMessage(encodeMessage(message), topic, from, shape)
  return 'fault' in judged ? [judged.fault] : []
}

test.each([
  ['a tensor too small to be passed on', [0], INLINE_BYTES_MAX],
  ['a first step, which is its requester’s to say', [], 0],
])('nobody has a member say what the others must refuse, by %s', (_, layers, inlineBytes) => {
  const { world, asker, transport } = lane(inlineBytes)
  const size = 2 * shape.tokens * shape.width
  const request = '1'.repeat(32) as RequestId
  const faults: string[] = []
  transport.listen({
    messageArrived(from, message) {
      if (message.kind !== 'step') return
      faults.push(...faultsOf(from, message))
    },
    peerDisconnected() {},
  })
  transport.offer(new Uint8Array(size), (hash) => {
    if (hash === undefined) throw new Error('the offer was refused')
    const step = stepOf(layers, { request, requester: impostor })
    const { dtype, batch, tokens, width } = step.activation
    const held = {
      place: 'held',
      dtype,
      batch,
      tokens,
      width,
      hash,
      size,
      holder: impostor,
    } as const
    transport.tell(sealed({ ...step, activation: held, next: asker.peer }), asker.peer)
  })
  world.clock.run(world.clock.nowMs() + 2_000)
  expect(faults).toEqual([])
})

test('nobody has a member hand over a step of somebody else, by a claim that takes it back there', () => {
  const { world, transport } = lane()
  const server = world.join('server', { serve: [0, 1] })
  const silent = world.join('silent', { serve: [2, 3] })
  world.kill('provider' as PeerId)
  world.clock.run(world.clock.nowMs() + PRESENCE_INTERVAL_MS_MAX)
  silent.compute.frozen = true
  const request = '1'.repeat(32) as RequestId
  const faults: string[] = []
  let steps = 0
  transport.listen({
    messageArrived(from, message) {
      if (message.kind !== 'step') return
      if (++steps === 1)
        for (const hop of [0, 1])
          transport.tell(
            { kind: 'claim', request, era: 1, hop, layer: 2, ttlMs: 30_000, lost: false },
            server.peer,
          )
      faults.push(...faultsOf(from, message))
    },
    peerDisconnected() {},
  })
  transport.tell(
    sealed({ ...stepOf([], { request, requester: impostor }), next: server.peer }),
    server.peer,
  )
  world.clock.run(world.clock.nowMs() + 5_000)
  expect(steps).toBeGreaterThan(0)
  expect(faults).toEqual([])
})

test('whoever says something in the name of others is banned, and they are not, nor does it fill a member', () => {
  const { world, asker, provider, transport } = lane()
  for (const victim of [asker, provider])
    for (let i = 0; i < FLIGHTS_PER_REQUESTER_MAX + REFUSALS_MAX; i++) {
      const request = `${victim === asker ? 'a' : 'b'}${i}`.padStart(32, '0') as RequestId
      transport.tell(sealed(stepOf([0], { request, requester: victim.peer })), provider.peer)
    }
  world.clock.run(world.clock.nowMs() + 100)
  expect(provider.member.snapshot().following).toBe(0)
  expect(world.network.areConnected(impostor, provider.peer)).toBe(false)
  expect(world.network.areConnected(asker.peer, provider.peer)).toBe(true)
})

/** Asks in a lane where the impostor is told what it is named for, and does this with it. */
function outcomeOfNamed(act: (step: Step, tell: (lie: Step) => void) => void) {
  const world = new World({ shape })
  const asker = world.join('asker')
  world.join('provider', { serve: [0, 1, 2, 3] })
  const transport = world.network.join(impostor)
  world.clock.run(PRESENCE_INTERVAL_MS_MAX)
  const all = { layers: [0, 1, 2, 3], freeSlots: 8, layerMs: 0.01 }
  transport.publish(anyPresence({ release: SIMULATED_RELEASE, sequence: 1, ...all }))
  world.clock.run(world.clock.nowMs() + 1_000)
  let named = 0
  transport.listen({
    messageArrived(_, message) {
      if (message.kind !== 'step' || message.next !== impostor) return
      named++
      act(message, (lie) => transport.tell(lie, asker.peer))
    },
    peerDisconnected() {},
  })
  const outcomes: MemberEvent[] = []
  asker.member.on((event) => {
    if (event.type === 'answered' || event.type === 'failed') outcomes.push(event)
  })
  for (let i = 0; i < 20; i++) {
    asker.member.ask(world.stem())
    world.clock.run(world.clock.nowMs() + 3_000)
  }
  const isConnected = world.network.areConnected(impostor, asker.peer)
  const complete = outcomes.filter(
    (event) => event.type === 'answered' && event.answer.missingLayers.length === 0,
  )
  return { named, isConnected, complete: complete.length }
}

test.each<[string, (step: Step) => Step]>([
  ['in a later era', (step) => ({ ...step, era: ERAS_MAX })],
  ['with another deadline', (step) => ({ ...step, endsAtMs: step.endsAtMs + 1 })],
  [
    'with a visit that somebody else did not sign',
    (step) => ({
      ...step,
      route: step.route.map((hop) => ({ ...hop, peer: 'provider' as PeerId })),
      chain: [
        ...step.chain,
        {
          hop: shape.layers,
          by: undefined,
          isOpen: false,
          tensor: anyTensor(1),
          signature: ANY_SIGNATURE,
        },
      ],
    }),
  ],
])('who was put in charge goes on as its requester asked or is banned: %s', (_, change) => {
  const { named, isConnected, complete } = outcomeOfNamed((step, tell) => {
    const route = [
      ...step.route,
      ...stepOf(
        [0, 1, 2, 3].filter((layer) => step.route.every((hop) => hop.layer !== layer)),
        step,
      ).route,
    ]
    tell(
      sealed(
        change({
          ...stepOf([], step),
          chain: boundChain(step),
          endsAtMs: step.endsAtMs,
          route,
          next: 'asker' as PeerId,
        }),
      ),
    )
  })
  expect(named).toBeGreaterThan(0)
  expect(isConnected).toBe(false)
  expect(complete).toBe(20)
})
