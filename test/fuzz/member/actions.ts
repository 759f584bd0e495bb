import { DEADLINE_MS_MAX, ERAS_MAX } from '@layerswarm/swarm'
import type { Dice } from '../mutate.ts'
import { ACTIONS_MAX, HOSTILE_PEERS, OVERHEARD_MAX, WAIT_MS_MAX } from './limits.ts'

/** How a hostile message is made, in numbers that stay small and readable; `at` is a message that was overheard. */
export type Recipe =
  /** A request of its own that is asked for, with a tensor that is there or not. */
  | {
      readonly make: 'first'
      readonly request: number
      readonly deadlineMs: number
      readonly holds: boolean
      readonly toSubject: boolean
      readonly plan: number
    }
  /** As it was said, once more. */
  | { readonly make: 'replay'; readonly at: number }
  /** A step that goes on from one that was overheard, with `layers` more that this peer says it ran. */
  | {
      readonly make: 'advance'
      readonly at: number
      readonly layers: number
      readonly holds: boolean
      readonly next: 'subject' | 'nobody' | 'itself' | 'other'
    }
  /** A step with one field changed, and a link of the liar's own behind it, or none. */
  | {
      readonly make: 'change'
      readonly at: number
      readonly field:
        | 'era'
        | 'endsAtMs'
        | 'remainingMs'
        | 'plan'
        | 'route'
        | 'chain'
        | 'holder'
        | 'silent'
        | 'input'
        | 'request'
      readonly value: number
      readonly links: boolean
    }
  | {
      readonly make: 'claim'
      readonly at: number
      readonly hop: number
      readonly layer: number
      readonly ttlMs: number
      readonly lost: boolean
      readonly era: number
    }
  | { readonly make: 'done'; readonly at: number; readonly isPublic: boolean }
  | {
      readonly make: 'again'
      readonly at: number
      readonly era: number
      readonly hop: number
      readonly isTrue: boolean
    }
  /** Layers of a round of a request that it says is its own, with an input that is there or not. */
  | {
      readonly make: 'round'
      readonly request: number
      readonly round: number
      readonly layers: number
      readonly deadlineMs: number
      readonly holds: boolean
    }
  /** A sum for a round that was overheard: of what was asked or not, of its input or not, whosever the round is. */
  | {
      readonly make: 'update'
      readonly at: number
      readonly layers: 'asked' | 'first' | 'other' | 'all' | 'none'
      readonly isOfInput: boolean
      readonly ahead: number
      readonly sum: 'inline' | 'held' | 'gone' | 'none' | 'batch'
    }
  /** @param about the subject itself, or the one who says it; otherwise nobody that is there. */
  | { readonly make: 'hint'; readonly at: number; readonly about: 'subject' | 'self' | 'nobody' }
  | {
      readonly make: 'presence'
      readonly layers: number
      readonly lane: number
      readonly freeSlots: number
      readonly layerMs: number
      readonly clockMs: number
      readonly sequence: number
      readonly flags: number
    }

/** One thing that happens to the member, or around it. */
export type Action =
  | { readonly do: 'wait'; readonly ms: number }
  | {
      readonly do: 'say'
      readonly by: number
      readonly via: number
      readonly gossip: boolean
      readonly times: number
      readonly message: Recipe
    }
  | {
      readonly do: 'ask'
      readonly by: 'subject' | 'honest'
      readonly deadlineMs: number
      readonly minLayers: number
      readonly plan: number
      readonly anytime: boolean
      /** 0: a tour; 1 and 2: so many rounds; 3: whichever way is quickest. */
      readonly rounds?: number
    }
  | { readonly do: 'cancel'; readonly which: number }
  | {
      readonly do: 'break'
      readonly port:
        | 'pull'
        | 'offer'
        | 'sign'
        | 'verify'
        | 'run'
        | 'head'
        | 'host'
        | 'count-lanes'
        | 'tell'
        | 'measure'
      readonly how: 'fails' | 'late' | 'never' | 'works'
    }
  | { readonly do: 'disconnect'; readonly who: number }
  | { readonly do: 'pause' | 'resume' }
  | { readonly do: 'capacity' | 'share'; readonly value: number }
  | { readonly do: 'kill' | 'join' }

const bool = (dice: Dice) => dice.below(2) === 0
const EDGE_MS = [0, 1, 50, 700, 1_500, 5_000, 30_000, DEADLINE_MS_MAX]
const PORTS = [
  'pull',
  'offer',
  'sign',
  'verify',
  'run',
  'head',
  'host',
  'count-lanes',
  'tell',
  'measure',
] as const
const FIELDS = [
  'era',
  'endsAtMs',
  'remainingMs',
  'plan',
  'route',
  'chain',
  'holder',
  'silent',
  'input',
  'request',
] as const

/** The actions of one run. Some kinds are left out of each: what would hide another is often apart (swarm testing, Groce 2012). */
export function drawActions(dice: Dice): Action[] {
  const makers = Object.values(MAKERS).filter(() => dice.below(10) < 8)
  const kinds = Object.values(DRAWS).filter(() => dice.below(10) < 8)
  const count = 5 + dice.below(ACTIONS_MAX - 5)
  const say = (): Action => ({
    do: 'say',
    by: dice.below(HOSTILE_PEERS),
    via: dice.below(HOSTILE_PEERS),
    gossip: bool(dice),
    times: dice.below(12) === 0 ? 1 + dice.below(300) : 1,
    message: dice.one(makers.length > 0 ? makers : [MAKERS.replay])(dice),
  })
  return Array.from({ length: count }, () =>
    kinds.length === 0 || dice.below(5) < 3 ? say() : dice.one(kinds)(dice),
  )
}

const at = (dice: Dice) => dice.below(OVERHEARD_MAX)

const MAKERS = {
  first: (dice: Dice): Recipe => ({
    make: 'first',
    request: dice.below(40),
    deadlineMs: dice.one(EDGE_MS),
    holds: bool(dice),
    toSubject: bool(dice),
    plan: dice.below(5),
  }),
  replay: (dice: Dice): Recipe => ({ make: 'replay', at: at(dice) }),
  advance: (dice: Dice): Recipe => ({
    make: 'advance',
    at: at(dice),
    layers: dice.below(5),
    holds: dice.below(3) > 0,
    next: dice.one(['subject', 'nobody', 'itself', 'other']),
  }),
  change: (dice: Dice): Recipe => ({
    make: 'change',
    at: at(dice),
    field: dice.one(FIELDS),
    value: dice.below(20),
    links: bool(dice),
  }),
  claim: (dice: Dice): Recipe => ({
    make: 'claim',
    at: at(dice),
    hop: dice.below(6) - 1,
    layer: dice.below(5),
    ttlMs: dice.one(EDGE_MS),
    lost: dice.below(3) === 0,
    era: dice.one([0, 0, 1, ERAS_MAX]),
  }),
  done: (dice: Dice): Recipe => ({ make: 'done', at: at(dice), isPublic: bool(dice) }),
  again: (dice: Dice): Recipe => ({
    make: 'again',
    at: at(dice),
    era: dice.one([0, 1, 2, ERAS_MAX]),
    hop: dice.below(5),
    isTrue: bool(dice),
  }),
  hint: (dice: Dice): Recipe => ({
    make: 'hint',
    at: at(dice),
    about: dice.one(['subject', 'self', 'nobody']),
  }),
  round: (dice: Dice): Recipe => ({
    make: 'round',
    request: dice.below(12),
    round: dice.below(5),
    layers: dice.below(16),
    deadlineMs: dice.one(EDGE_MS),
    holds: bool(dice),
  }),
  update: (dice: Dice): Recipe => ({
    make: 'update',
    at: at(dice),
    layers: dice.one(['asked', 'asked', 'first', 'other', 'all', 'none']),
    isOfInput: dice.below(4) > 0,
    ahead: dice.one([0, 0, 0, 1]),
    sum: dice.one(['inline', 'held', 'gone', 'none', 'batch']),
  }),
  presence: (dice: Dice): Recipe => ({
    make: 'presence',
    layers: dice.below(16),
    lane: dice.one([0, 0, 0, 1, 511]),
    freeSlots: dice.one([0, 1, 8, 255]),
    layerMs: dice.one([0, 1, 2, 10_000]),
    clockMs: dice.one([0, 1, 1_000_000, 2 ** 47]),
    sequence: dice.one([0, 1, 7, 2 ** 31]),
    flags: dice.below(16),
  }),
} satisfies Record<string, (dice: Dice) => Recipe>

const DRAWS = {
  wait: (dice: Dice): Action => ({
    do: 'wait',
    ms: dice.one([1, 5, 40, 300, 1_000, 3_000, dice.below(WAIT_MS_MAX)]),
  }),
  ask: (dice: Dice): Action => ({
    do: 'ask',
    by: dice.one(['subject', 'honest']),
    deadlineMs: dice.one([1, 50, 400, 1_500, 5_000, 20_000]),
    minLayers: dice.below(5),
    plan: dice.below(6),
    anytime: bool(dice),
    rounds: dice.below(4),
  }),
  askAgain: (dice: Dice): Action => DRAWS.ask(dice),
  cancel: (dice: Dice): Action => ({ do: 'cancel', which: dice.below(8) }),
  break: (dice: Dice): Action => ({
    do: 'break',
    port: dice.one(PORTS),
    how: dice.one(['fails', 'late', 'never', 'works', 'works']),
  }),
  disconnect: (dice: Dice): Action => ({ do: 'disconnect', who: dice.below(HOSTILE_PEERS + 3) }),
  pause: (dice: Dice): Action => ({ do: dice.one(['pause', 'resume', 'resume']) }),
  amount: (dice: Dice): Action => ({
    do: dice.one(['capacity', 'share']),
    value: dice.below(6),
  }),
  population: (dice: Dice): Action => ({ do: dice.one(['kill', 'join']) }),
} satisfies Record<string, (dice: Dice) => Action>
