import { sha256 } from '@layerswarm/model'
import {
  type Answer,
  CLASSIFY_POLICY_DEFAULT,
  type Classification,
  type ClassifyPolicy,
  DEADLINE_MS_MAX,
  directHandOver,
  gossip,
  type Member,
  type Message,
  type ModelShape,
  type PeerId,
  type Round,
  type Transport,
  type Update,
} from '@layerswarm/swarm'
import { SymbolicCompute, simulatedMember, World } from '@layerswarm/swarm/testing'
import type { Action } from './actions.ts'
import { type Faults, faultyCompute, type Guarded, guarded } from './faulty-ports.ts'
import { type Kitchen, made, type Overheard, planOf } from './hostile.ts'
import { Broken, checkSaid, checkTables, tablesOf } from './invariants.ts'
import {
  ENTRIES_LEFT_MAX,
  HOSTILE_PEERS,
  LAST_DEADLINE_MS,
  MEETING_MS,
  OVERHEARD_MAX,
  OVERSHOOT_MS_MAX,
  QUIET_MS,
} from './limits.ts'

const SUBJECT = 'subject' as PeerId
const HONEST = ['anna', 'ben'] as const

interface Open {
  readonly by: 'subject' | 'honest'
  readonly policy: ClassifyPolicy
  readonly askedMs: number
  readonly asked: Classification
  cancelled: boolean
}

/** How a request ended. */
interface End {
  readonly atMs: number
  readonly answer: Answer | undefined
}

/** The policies that peers may follow, by their names in options. */
export const POLICIES = {
  'direct-few': directHandOver('few'),
  direct: directHandOver('lane'),
  gossip,
}

/** How a stage is set. */
export interface StageOptions {
  readonly seed: number
  /** Whether tensors are too large to ride in messages. */
  readonly isLarge: boolean
  /** What the member and its honest peers go on by. */
  readonly policy: keyof typeof POLICIES
}

/** What a run leaves behind for whoever compares runs. */
export interface RunFigures {
  readonly answered: number
  readonly failed: number
  readonly heard: number
  readonly entries: number
}

/**
 * One member with honest and hostile peers around it, in virtual time. It checks as it goes:
 *
 * 1. Nothing that comes, and nothing that fails, makes it throw.
 * 2. A request ends once, with an answer or an error, at most OVERSHOOT_MS_MAX after its deadline.
 * 3. An answer names each layer once, in the order of its plan, and what is missing; it has as many as were asked for.
 * 4. Each step that it says is possible, and all in its chain have signed.
 * 5. No table has more entries than the largest bound of packages/swarm.
 * 6. Once the others leave it alone, requests of honest peers are answered in full, and after their deadlines
 *    nothing is followed, held or remembered beyond a bound.
 */
export class Stage {
  private readonly shape: ModelShape
  private readonly log: (line: string) => void
  private readonly world: World
  private readonly member: Member
  private readonly guard: Guarded
  private readonly faults: Faults = new Map()
  private readonly hostile: readonly Transport[]
  private readonly overheard: Overheard[] = []
  private readonly open: Open[] = []
  private readonly ends = new Map<string, End>()
  /** Of rounds that it was asked for. */
  private readonly inputs = new Set<string>()
  private readonly leaveOut: ReadonlySet<object>
  private broken: Error | undefined
  private number = 0n
  private heard = 0
  private newcomers = 0

  /** @param log told of every action and message, for who reads along. */
  constructor(
    { seed, isLarge, policy: name }: StageOptions,
    log: (line: string) => void = () => {},
  ) {
    this.log = log
    const policy = POLICIES[name]
    this.shape = isLarge
      ? { layers: 4, tokens: 30, width: 32 }
      : { layers: 4, tokens: 5, width: 16 }
    this.world = new World({ seed, shape: this.shape })
    const { world, shape } = this
    const { clock, random } = world
    const inner = world.network.join(SUBJECT)
    this.guard = guarded(inner, clock, shape, this.faults, {
      said: (message) => this.onSaid(message),
      heard: (from, message, isGossiped) => {
        if (message.kind === 'round') this.inputs.add(inputOf(message))
        this.overhear({ from, message, isGossiped })
      },
    })
    const { transport } = this.guard
    const engine = new SymbolicCompute(clock, world.options.layerMs)
    const compute = faultyCompute(engine, clock, this.faults)
    const ports = { transport, clock, random, compute }
    this.member = simulatedMember(ports, { shape, policy, serve: 'auto', capacity: 4 }).member
    this.leaveOut = new Set<object>([ports, transport, clock, random, compute, world, inner])
    this.watch(this.member)
    this.member.start()
    for (const peer of HONEST)
      this.watch(this.world.join(peer, { policy, serve: [0, 1, 2, 3] }).member)
    this.hostile = Array.from({ length: HOSTILE_PEERS }, (_, i) => this.hostilePeer(`evil${i}`))
    clock.run(MEETING_MS)
  }

  private watch(member: Member): void {
    member.on((event) => {
      if (event.type === 'answered') this.ended(event.answer.request, event.answer)
      if (event.type === 'failed') this.ended(event.request, undefined)
    })
  }

  private hostilePeer(name: string): Transport {
    const transport = this.world.network.join(name as PeerId)
    transport.listen({
      messageArrived: (from, message) => this.overhear({ from, message, isGossiped: false }),
      peerDisconnected: () => {},
    })
    return transport
  }

  /** Does one action. @throws Broken, or whatever the member throws. */
  act(action: Action): void {
    this.log(JSON.stringify(action))
    this.perform(action)
    if (this.broken !== undefined) throw this.broken
    checkTables(tablesOf(this.member, this.leaveOut))
    this.checkDeadlines()
  }

  private perform(action: Action): void {
    const { clock } = this.world
    switch (action.do) {
      case 'wait':
        clock.run(clock.nowMs() + action.ms)
        return
      case 'say':
        return this.say(action)
      case 'ask':
        return this.ask(action)
      case 'cancel': {
        const one = this.open[action.which]
        if (one === undefined || this.endOf(one) !== undefined) return
        one.cancelled = true
        return one.asked.cancel()
      }
      case 'break':
        this.faults.set(action.port, action.how)
        return
      case 'disconnect': {
        const peers = [...this.hostile.map(({ self }) => self), ...HONEST]
        const peer = peers[action.who] as PeerId | undefined
        return peer === undefined ? undefined : this.guard.disconnect(peer)
      }
      case 'pause':
        return this.member.pause()
      case 'resume':
        return this.member.resume()
      case 'capacity':
        return this.member.setCapacity(action.value)
      case 'share':
        return this.member.setTimeShare(1 / (1 + action.value))
      case 'join':
        this.world.join(`new${this.newcomers++}`, { serve: [0, 1, 2, 3] })
        return
      case 'kill': {
        const last = `new${this.newcomers - 1}` as PeerId
        if (this.newcomers > 0) this.world.kill(last, this.newcomers % 2 === 0)
        return
      }
      default:
        action satisfies never
    }
  }

  private say({ by, via, gossip, times, message: recipe }: Extract<Action, { do: 'say' }>): void {
    const speaker = this.hostile[by] as Transport
    const neighbour = this.hostile[gossip ? via : by] as Transport
    for (let time = 0; time < times; time++) {
      const one = made(recipe, speaker, this.kitchen())
      if (one === undefined) return
      const isOwn = one.from === speaker.self
      // Whoever says what another has said can only have gossiped it.
      const isGossiped = gossip || !isOwn
      if (!this.isHeardFrom(neighbour.self)) return
      this.guard.arrive(
        one.from,
        one.message,
        neighbour.self,
        isGossiped ? ++this.number : undefined,
      )
      // The others of the lane hear what is gossiped as well.
      if (gossip && isOwn && one.message.kind !== 'presence' && time === 0)
        speaker.publish(one.message)
      if (this.broken !== undefined) return
    }
  }

  private isHeardFrom(peer: PeerId): boolean {
    return this.world.network.areConnected(peer, SUBJECT)
  }

  private kitchen(): Kitchen {
    return {
      shape: this.shape,
      subject: SUBJECT,
      other: HONEST[0] as string as PeerId,
      nowMs: this.world.clock.nowMs(),
      overheard: this.overheard,
      own: new Set(this.hostile.map(({ self }) => self)),
    }
  }

  private overhear(one: Overheard): void {
    this.heard++
    if (one.message.kind !== 'presence') this.log(lineOf(this.world.clock.nowMs(), one))
    this.overheard.push(one)
    if (this.overheard.length > OVERHEARD_MAX) this.overheard.shift()
  }

  private onSaid(message: Message): void {
    this.overhear({ from: SUBJECT, message, isGossiped: message.kind === 'presence' })
    try {
      checkSaid(message, SUBJECT, this.shape)
      if (message.kind === 'update' && !this.inputs.has(inputOf(message)))
        throw new Broken('it says an update of an input that nobody asked it to run on')
    } catch (error) {
      this.broken ??= error as Error
    }
  }

  private ask(action: Extract<Action, { do: 'ask' }>): void {
    const { by, deadlineMs, minLayers, plan, anytime, rounds = 0 } = action
    const layers = planOf(plan, this.shape)
    const least = Math.min(minLayers, layers.length > 0 ? layers.length : this.shape.layers)
    const policy = {
      ...CLASSIFY_POLICY_DEFAULT,
      deadlineMs,
      minLayers: least,
      plan: layers,
      avoid: [],
      anytime,
      stopAtConfidence: undefined,
      ...(layers.length > 0 ? {} : roundsFor(rounds, this.shape.layers)),
    }
    this.request(by, policy)
  }

  private request(by: Open['by'], policy: ClassifyPolicy): Open {
    const { world } = this
    const asker =
      by === 'subject'
        ? this.member
        : (world.inhabitants.get(HONEST[1] as string as PeerId)?.member ?? this.member)
    const askedMs = world.clock.nowMs()
    const asked = asker.classify(world.stem(), policy)
    const one: Open = { by, policy, askedMs, asked, cancelled: false }
    this.open.push(one)
    this.checkAnswerOf(one)
    // Its events say how it ends; the promise would otherwise be called unheard.
    asked.answer.catch(() => undefined)
    return one
  }

  /** It may end while it is being asked. */
  private ended(request: string, answer: Answer | undefined): void {
    if (this.ends.has(request)) this.broken ??= new Broken('a request ends twice')
    this.ends.set(request, { atMs: this.world.clock.nowMs(), answer })
    const one = this.open.find(({ asked }) => asked.request === request)
    if (one !== undefined) this.checkAnswerOf(one)
  }

  private endOf({ asked }: Open): End | undefined {
    return this.ends.get(asked.request)
  }

  private checkAnswerOf(one: Open): void {
    try {
      const answer = this.endOf(one)?.answer
      if (answer !== undefined) checkAnswer(answer, one.policy, this.shape)
    } catch (error) {
      this.broken ??= error as Error
    }
  }

  private checkDeadlines(): void {
    const nowMs = this.world.clock.nowMs()
    for (const one of this.open) {
      const { askedMs, policy, cancelled } = one
      const lastMs = askedMs + policy.deadlineMs + OVERSHOOT_MS_MAX
      if (!cancelled && (this.endOf(one)?.atMs ?? nowMs) > lastMs)
        throw new Broken(`a request ends after its deadline of ${policy.deadlineMs} ms`)
    }
  }

  /** Leaves the member alone, and checks what is left. @throws Broken */
  end(isLong: boolean): RunFigures {
    const { world, member } = this
    this.faults.clear()
    member.resume()
    member.setCapacity(this.shape.layers)
    member.setTimeShare(1)
    this.act({ do: 'wait', ms: QUIET_MS })
    const policy = {
      ...CLASSIFY_POLICY_DEFAULT,
      deadlineMs: LAST_DEADLINE_MS,
      minLayers: 4,
      plan: [],
      avoid: [],
      anytime: false,
      stopAtConfidence: undefined,
    }
    const halves = { ...policy, ...roundsFor(2, this.shape.layers) }
    const last = [
      this.request('subject', policy),
      this.request('honest', policy),
      this.request('subject', halves),
    ]
    this.act({ do: 'wait', ms: LAST_DEADLINE_MS + OVERSHOOT_MS_MAX })
    for (const one of last)
      if (this.endOf(one)?.answer?.route.length !== this.shape.layers)
        throw new Broken(
          `a request of ${one.by === 'subject' ? 'its own' : 'an honest peer'} is not answered in full once it is left alone`,
        )
    if (isLong) this.checkWhatIsLeft()
    if (this.open.some((one) => this.endOf(one) === undefined && !one.cancelled))
      throw new Broken('a request never ended')
    const { entries } = tablesOf(member, this.leaveOut)
    member.stop()
    for (const one of [...world.inhabitants.values()]) one.member.stop()
    const answered = this.open.filter((one) => this.endOf(one)?.answer !== undefined).length
    return { answered, failed: this.open.length - answered, heard: this.heard, entries }
  }

  /** @throws Broken for what is followed, held or remembered after the longest deadline. */
  private checkWhatIsLeft(): void {
    const { member, world } = this
    this.act({ do: 'wait', ms: DEADLINE_MS_MAX })
    const { following, requestsInFlight } = member.snapshot()
    if (following > 0) throw new Broken(`${following} requests are followed after their deadlines`)
    if (requestsInFlight > 0) throw new Broken('a request of its own is still open')
    const held = world.network.held(SUBJECT)
    if (held > 0) throw new Broken(`${held} tensors are held that nobody needs`)
    const { entries, where } = tablesOf(member, this.leaveOut)
    if (entries > ENTRIES_LEFT_MAX)
      throw new Broken(`${entries} entries are left, most in ${where}`)
  }
}

/** @throws Broken */
function checkAnswer(answer: Answer, { plan, minLayers }: ClassifyPolicy, shape: ModelShape): void {
  const layers = answer.route.map(({ layer }) => layer)
  const applied = new Set(layers)
  const inRounds = answer.rounds.reduce((sum, count) => sum + count, 0)
  if (answer.rounds.length > 0 && inRounds !== layers.length)
    throw new Broken('the rounds of an answer have other layers than its route')
  if (applied.size !== layers.length) throw new Broken('an answer names a layer twice')
  if (layers.length < minLayers) throw new Broken('an answer with fewer layers than were asked for')
  if (plan.length > 0 && layers.some((layer, hop) => layer !== plan[hop]))
    throw new Broken('an answer that leaves its plan')
  const wanted = plan.length > 0 ? plan : Array.from({ length: shape.layers }, (_, layer) => layer)
  const missing = answer.missingLayers.toSorted()
  const expected = wanted.filter((layer) => !applied.has(layer)).toSorted()
  const all = Array.from({ length: shape.layers }, (_, i) => i).filter(
    (layer) => !applied.has(layer),
  )
  if (missing.join() !== expected.join() && missing.join() !== all.join())
    throw new Broken('an answer that does not say what is missing')
}

/** A round of a request, and the input of it that a message names. */
function inputOf(message: Round | Update): string {
  const { request, round } = message
  if (message.kind === 'update') return `${request} ${round} ${message.input}`
  const { input } = message
  return `${request} ${round} ${input.place === 'held' ? input.hash : sha256(input.bytes)}`
}

/** Two rounds for a model of so many layers, or what is chosen of those. */
function roundsFor(rounds: number, layers: number): Pick<ClassifyPolicy, 'rounds' | 'groupings'> {
  const half = [layers - (layers >> 1), layers >> 1]
  const groupings = [half, [layers]].map((groups) => ({ groups, lossPoints: 0 }))
  const wanted = ['off', [layers], half, 'auto'] as const
  return { rounds: wanted[rounds] ?? 'off', groupings }
}

/** A message in a line, as far as it says who is in charge. */
function lineOf(nowMs: number, { from, message, isGossiped }: Overheard): string {
  const said = `  ${nowMs.toFixed(0)} ms, ${from}${isGossiped ? ' by gossip' : ''}: ${message.kind}`
  if (message.kind !== 'step') return `${said} ${JSON.stringify(message)}`
  const { request, era, route, chain, next, activation, silent } = message
  const hops = route.map(({ layer, peer }) => `${layer} by ${peer}`).join(', ')
  const links = chain.map(({ hop, by, isOpen }) => `${hop}${by ?? ''}${isOpen ? ' open' : ''}`)
  return `${said} ${request.slice(-4)} era ${era} [${hops}] links [${links}] next ${next} ${activation.place} silent [${silent}]`
}
