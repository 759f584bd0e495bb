import type { PeerSnapshot } from '@layerswarm/peer'
import type { RawChromium, RawTab } from './raw-chromium.ts'

export const LAYERS = 8
export const ALL = [0, 1, 2, 3, 4, 5, 6, 7]
/** So many requests of so many images take a second and more: what happens to a tab happens in between. */
const REQUESTS = 4
const IMAGES = 47
export const DEADLINE_MS = 60_000
/** A slow and busy machine. */
const WAIT_MS = 90_000
const LOOK_MS = 50

/** A tab whose page a test drives, with the peer in it. */
export interface Member {
  readonly tab: RawTab
  readonly peerId: string | undefined
  snapshot(): Promise<PeerSnapshot>
  until(what: string, holds: (seen: PeerSnapshot) => boolean): Promise<PeerSnapshot>
}

/** Opens one at a bench site, and lets it join as a host of these layers. @param prepare done before it joins. */
export async function openMember(
  url: string,
  chromium: RawChromium,
  layers: readonly number[],
  engine: string,
  prepare: (tab: RawTab) => Promise<unknown> = async () => undefined,
): Promise<Member> {
  const tab = await chromium.open(url)
  // Until the page is there, there is nothing to evaluate in.
  await untilTrue('the page is there', () =>
    tab.evaluate(`typeof bench === 'object'`).catch(() => false),
  )
  await prepare(tab)
  await tab.evaluate(`bench.join(${JSON.stringify(layers)}, ${JSON.stringify(engine)})`)
  const snapshot = async () => (await tab.evaluate('bench.snapshot()')) as PeerSnapshot
  const { peerId } = await snapshot()
  return {
    tab,
    peerId,
    snapshot,
    async until(what, holds) {
      let seen: PeerSnapshot | undefined
      await untilTrue(
        () => `${what}; last seen: ${JSON.stringify(seen)}`,
        async () => {
          seen = await snapshot()
          return holds(seen)
        },
      )
      return seen as unknown as PeerSnapshot
    },
  }
}

export async function untilTrue(
  what: string | (() => string),
  holds: () => Promise<unknown>,
): Promise<void> {
  const endMs = Date.now() + WAIT_MS
  while ((await holds()) !== true) {
    if (Date.now() > endMs) {
      throw new Error(`waited ${WAIT_MS} ms until ${typeof what === 'string' ? what : what()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

/** Each layer with this many hosts, everybody connected directly to the two others. */
export async function meshed(members: readonly Member[], hosts: number): Promise<void> {
  for (const member of members) {
    await member.until(
      `every layer has ${hosts} hosts`,
      ({ coverage, peers }) =>
        coverage.length === LAYERS &&
        coverage.every((count) => count === hosts) &&
        peers.filter(({ connection }) => connection === 'direct').length === members.length - 1,
    )
  }
}

export interface Answer {
  readonly hops: number
  readonly missing: number
}
export const WHOLE: Answer = { hops: LAYERS, missing: 0 }
/** Every request of `duringRequest` was answered, with every layer. */
export const ALL_WHOLE = Array.from({ length: REQUESTS }, () => WHOLE)

/**
 * Lets something happen to the tab that has run the first layer of a request: the next layers are its
 * own too, since it has the activation. Then waits for the answer.
 */
export async function duringRequest(
  [asker, ...hosts]: readonly [Member, ...Member[]],
  happen: (victim: Member) => Promise<unknown>,
): Promise<{ answers: Answer[]; victim: Member; requests: number }> {
  await asker.tab.evaluate(`bench.ask(${IMAGES}, ${DEADLINE_MS}, ${REQUESTS})`)
  const first = await asker.tab.evaluate('bench.firstHop()')
  const victim = hosts.find(({ peerId }) => peerId === first)
  if (victim === undefined) throw new Error(`the first layer was run by a stranger, ${first}`)
  await happen(victim)
  return { answers: await answersOf(asker), victim, requests: REQUESTS }
}

export async function answersOf({ tab }: Member): Promise<Answer[]> {
  return (await tab.evaluate('bench.answers()')) as Answer[]
}
