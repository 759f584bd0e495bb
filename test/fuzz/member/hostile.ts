import { activationBytes, sha256 } from '@layerswarm/model'
import {
  ERAS_MAX,
  type HeldActivation,
  type Hop,
  INLINE_BYTES_MAX,
  LAYERS_MAX,
  type Message,
  type ModelShape,
  type PeerId,
  type RequestId,
  type Round,
  type Signature,
  type Step,
  type TensorHash,
  type Transport,
  type Update,
} from '@layerswarm/swarm'
import { anyPresence, SIMULATED_RELEASE, sealedBy } from '@layerswarm/swarm/testing'
import type { Recipe } from './actions.ts'

/** A message that was overheard: who said it, and whether it was gossiped, so that anybody can say it again. */
export interface Overheard {
  readonly from: PeerId
  readonly message: Message
  readonly isGossiped: boolean
}

/** What a hostile peer knows when it makes a message. */
export interface Kitchen {
  readonly shape: ModelShape
  readonly subject: PeerId
  readonly other: PeerId
  readonly nowMs: number
  readonly overheard: readonly Overheard[]
  /** Every key that is in hostile hands. */
  readonly own: ReadonlySet<PeerId>
}

const NOBODYS = 'f0'.repeat(64) as Signature

/** A message by a recipe, signed by its author alone. @returns who says it, or undefined where there is nothing to make it of. */
export function made(
  recipe: Recipe,
  by: Transport,
  kitchen: Kitchen,
): { from: PeerId; message: Message } | undefined {
  const from = by.self
  switch (recipe.make) {
    case 'first':
      return { from, message: firstStep(recipe, by, kitchen) }
    case 'presence':
      return { from, message: presence(recipe, kitchen) }
    case 'replay': {
      const one = pick(kitchen.overheard, recipe.at)
      // What was told to one is signed by nobody: only its author can say it.
      if (one === undefined) return undefined
      if (!one.isGossiped && !kitchen.own.has(one.from)) return { from, message: one.message }
      return { from: one.from, message: one.message }
    }
    case 'round':
      return { from, message: round(recipe, by, kitchen) }
    case 'update': {
      const asked = pick(roundsOf(kitchen.overheard), recipe.at)
      return asked && { from, message: update(recipe, asked, by, kitchen) }
    }
    default: {
      const step = pick(stepsOf(kitchen.overheard), recipe.at)
      const message = step && about(recipe, step, by, kitchen)
      return message && { from, message }
    }
  }
}

/** What is said of a step that was overheard. */
function about(
  recipe: Exclude<Recipe, { make: 'first' | 'presence' | 'replay' | 'round' | 'update' }>,
  step: Step,
  by: Transport,
  kitchen: Kitchen,
): Message {
  const { request, era, route } = step
  switch (recipe.make) {
    case 'claim': {
      const hop = recipe.hop < 0 ? route.length : recipe.hop
      const { layer, ttlMs, lost } = recipe
      const claimed = { layer, lost, ttlMs: Math.min(ttlMs, 30_000) }
      return { kind: 'claim', request, era: recipe.era === 0 ? era : recipe.era, hop, ...claimed }
    }
    case 'done':
      return { kind: 'done', request, isPublic: recipe.isPublic }
    case 'hint':
      return { kind: 'hint', about: aboutOf(recipe.about, by, kitchen) }
    case 'again': {
      const signature = recipe.isTrue ? (step.chain.at(-1)?.signature ?? NOBODYS) : NOBODYS
      const { hop } = recipe
      return {
        kind: 'again',
        request,
        era: recipe.era,
        hop,
        suspect: undefined,
        barred: [],
        signature,
      }
    }
    case 'advance':
      return advanced(recipe, step, by, kitchen)
    case 'change':
      return changed(recipe, step, by, kitchen)
    default:
      return recipe satisfies never
  }
}

function aboutOf(
  about: 'subject' | 'self' | 'nobody',
  { self }: Transport,
  { subject }: Kitchen,
): PeerId {
  if (about === 'nobody') return 'nobody' as PeerId
  return about === 'self' ? self : subject
}

function firstStep(
  { request, deadlineMs, holds, toSubject, plan }: Extract<Recipe, { make: 'first' }>,
  by: Transport,
  { shape, subject, nowMs }: Kitchen,
): Step {
  return sealedBy(
    by.self,
    {
      kind: 'step',
      request: hexOf(request, 32) as RequestId,
      requester: by.self,
      endsAtMs: nowMs + deadlineMs,
      era: 0,
      route: [],
      chain: [],
      plan: planOf(plan, shape),
      activation: tensorAt(by, holds, shape),
      input: undefined,
      next: toSubject ? subject : undefined,
      silent: [],
      barred: [],
      isPrivate: false,
      remainingMs: deadlineMs,
    },
    SIMULATED_RELEASE,
  )
}

/** It is a hub, and asks for these layers. */
function round(
  { request, round: index, layers, deadlineMs, holds }: Extract<Recipe, { make: 'round' }>,
  by: Transport,
  { shape }: Kitchen,
): Round {
  const { holder: _, ...input } = tensorAt(by, holds, shape)
  const asked = all(shape).filter((layer) => ((layers >> layer) & 1) === 1)
  return {
    kind: 'round',
    request: hexOf(request, 32) as RequestId,
    round: index,
    layers: asked,
    input,
    remainingMs: deadlineMs,
  }
}

/** It is an executor, or says so. */
function update(
  { layers, isOfInput, ahead, sum }: Extract<Recipe, { make: 'update' }>,
  asked: Round,
  by: Transport,
  { shape }: Kitchen,
): Update {
  const of = {
    asked: asked.layers,
    first: asked.layers.slice(0, 1),
    other: all(shape).filter((layer) => !asked.layers.includes(layer)),
    all: all(shape),
    none: [],
  }[layers]
  const { input } = asked
  const name = input.place === 'held' ? input.hash : (sha256(input.bytes) as string)
  return {
    kind: 'update',
    request: asked.request,
    round: asked.round + ahead,
    input: (isOfInput ? name : hexOf(7, 64)) as TensorHash,
    backend: 'ort-node',
    layers: of.map((layer) => ({ layer, ms: 1 })),
    sum: sumOf(sum, by, shape),
  }
}

function sumOf(
  sum: Extract<Recipe, { make: 'update' }>['sum'],
  by: Transport,
  shape: ModelShape,
): Update['sum'] {
  if (sum === 'none') return undefined
  const { tokens, width } = shape
  const batch = sum === 'batch' ? 3 : 1
  const of = { dtype: 'float16', batch, tokens, width } as const
  const bytes = new Uint8Array(activationBytes('float16', [batch, tokens, width])).fill(3)
  if ((sum === 'inline' || sum === 'batch') && bytes.length <= INLINE_BYTES_MAX)
    return { place: 'inline', ...of, bytes }
  let hash = hexOf(bytes.length, 64) as TensorHash
  if (sum !== 'gone') by.offer(bytes, (offered) => (hash = offered ?? hash))
  return { place: 'held', ...of, size: bytes.length, hash }
}

/** This peer goes on from a step, truthfully but for what it computed. */
function advanced(
  { layers, holds, next }: Extract<Recipe, { make: 'advance' }>,
  step: Step,
  by: Transport,
  { shape, subject, other }: Kitchen,
): Step {
  const applied = new Set(step.route.map(({ layer }) => layer))
  const planned = step.plan.slice(step.route.length)
  const open = (step.plan.length > 0 ? planned : all(shape)).filter((layer) => !applied.has(layer))
  const hops: Hop[] = open
    .slice(0, layers)
    .map((layer) => ({ layer, peer: by.self, backend: 'ort-node', ms: 1 }))
  const named = { subject, nobody: undefined, itself: by.self, other }[next]
  const route = [...step.route, ...hops]
  const activation = tensorAt(by, holds, shape)
  return sealedBy(by.self, { ...step, route, activation, next: named }, SIMULATED_RELEASE)
}

function changed(
  { field, value, links }: Extract<Recipe, { make: 'change' }>,
  step: Step,
  by: Transport,
  { shape, subject, nowMs }: Kitchen,
): Step {
  const one = withChange(field, value, step, by, shape, subject, nowMs)
  return links ? sealedBy(by.self, one, SIMULATED_RELEASE) : one
}

function withChange(
  field: Extract<Recipe, { make: 'change' }>['field'],
  value: number,
  step: Step,
  by: Transport,
  shape: ModelShape,
  subject: PeerId,
  nowMs: number,
): Step {
  const { route, chain, activation } = step
  switch (field) {
    case 'era':
      return { ...step, era: Math.min(value, ERAS_MAX) }
    case 'endsAtMs':
      return { ...step, endsAtMs: nowMs + value * 60_000 - 300_000 }
    case 'remainingMs':
      return { ...step, remainingMs: value * 30_000 }
    case 'plan':
      return { ...step, plan: planOf(value, shape) }
    case 'route':
      return { ...step, route: value % 2 === 0 ? route.slice(1) : route.toReversed() }
    case 'chain':
      return {
        ...step,
        chain: value % 2 === 0 ? chain.slice(0, -1) : [...chain, ...chain].slice(0, 8),
      }
    case 'holder':
      return activation.place === 'held'
        ? { ...step, activation: { ...activation, holder: value % 2 === 0 ? by.self : subject } }
        : step
    case 'silent':
      return { ...step, silent: [subject, by.self].slice(0, 1 + (value % 2)) }
    case 'input':
      return { ...step, input: hexOf(value, 64) as TensorHash }
    case 'request':
      return { ...step, request: hexOf(value, 32) as RequestId }
    default:
      return field satisfies never
  }
}

function presence(
  {
    layers,
    lane,
    freeSlots,
    layerMs,
    clockMs,
    sequence,
    flags,
  }: Extract<Recipe, { make: 'presence' }>,
  { shape, nowMs }: Kitchen,
): Message {
  return anyPresence({
    release: SIMULATED_RELEASE,
    lane,
    sequence,
    clockMs: clockMs === 0 ? nowMs : clockMs,
    layers: all(shape).filter((layer) => ((layers >> layer) & 1) === 1),
    freeSlots,
    layerMs,
    asking: (flags & 1) === 1,
    leaving: (flags & 2) === 2,
    moving: (flags & 4) === 4,
    measured: (flags & 8) === 0,
  })
}

/** A tensor of the right size: in the message, or held by this peer, which has it or has not. */
function tensorAt(by: Transport, holds: boolean, { tokens, width }: ModelShape): HeldActivation {
  const size = activationBytes('float16', [1, tokens, width])
  const shape = { dtype: 'float16', batch: 1, tokens, width } as const
  let hash = hexOf(size, 64) as TensorHash
  if (holds) by.offer(new Uint8Array(size), (offered) => (hash = offered ?? hash))
  return { place: 'held', ...shape, size, holder: by.self, hash }
}

const all = ({ layers }: ModelShape) =>
  Array.from({ length: Math.min(layers, LAYERS_MAX) }, (_, i) => i)

/** A few plans: none, all in order, backwards, a part. */
export function planOf(which: number, shape: ModelShape): number[] {
  return [[], all(shape), all(shape).reverse(), [shape.layers - 1], [0, 2]][which] ?? []
}

function roundsOf(overheard: readonly Overheard[]): Round[] {
  return overheard.flatMap(({ message }) => (message.kind === 'round' ? [message] : []))
}

function stepsOf(overheard: readonly Overheard[]): Step[] {
  return overheard.flatMap(({ message }) => (message.kind === 'step' ? [message] : []))
}

/** The newest first, as attackers would. */
function pick<T>(list: readonly T[], at: number): T | undefined {
  return list.length === 0 ? undefined : list[list.length - 1 - (at % list.length)]
}

function hexOf(value: number, digits: number): string {
  return value.toString(16).padStart(digits, 'e')
}
