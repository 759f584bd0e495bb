import { createRequire } from 'node:module'
import type { PeerSnapshot } from '@layerswarm/peer'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type BenchSite, startBenchSite } from './bench-page.ts'
import { SOFTWARE_WEBGPU } from './browser.ts'
import { launchRawChromium, type RawChromium, type RawTab } from './raw-chromium.ts'

const LAYERS = 8
const ALL = [0, 1, 2, 3, 4, 5, 6, 7]
/** So many requests of so many images take a second and more: what happens to a tab happens in between. */
const REQUESTS = 4
const IMAGES = 47
const DEADLINE_MS = 60_000
/** A slow and busy machine. */
const WAIT_MS = 90_000
const LOOK_MS = 50

let site: BenchSite
beforeAll(async () => {
  site = await startBenchSite()
})
afterAll(() => site?.stop())

/** A tab whose page a test drives, with the peer in it. */
interface Member {
  readonly tab: RawTab
  readonly peerId: string | undefined
  snapshot(): Promise<PeerSnapshot>
  until(what: string, holds: (seen: PeerSnapshot) => boolean): Promise<PeerSnapshot>
}

async function openMember(
  chromium: RawChromium,
  layers: readonly number[],
  engine: string,
  prepare: (tab: RawTab) => Promise<unknown> = async () => undefined,
): Promise<Member> {
  const tab = await chromium.open(site.url)
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

async function untilTrue(
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
async function meshed(members: readonly Member[], hosts: number): Promise<void> {
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

interface Answer {
  readonly hops: number
  readonly missing: number
}
const WHOLE: Answer = { hops: LAYERS, missing: 0 }
/** Every request of `duringRequest` was answered, with every layer. */
const ALL_WHOLE = Array.from({ length: REQUESTS }, () => WHOLE)

/**
 * Lets something happen to the tab that has run the first layer of a request: the next layers are its
 * own too, since it has the activation. Then waits for the answer.
 */
async function duringRequest(
  [asker, ...hosts]: readonly [Member, ...Member[]],
  happen: (victim: Member) => Promise<unknown>,
): Promise<{ answers: Answer[]; victim: Member }> {
  await asker.tab.evaluate(`bench.ask(${IMAGES}, ${DEADLINE_MS}, ${REQUESTS})`)
  const first = await asker.tab.evaluate('bench.firstHop()')
  const victim = hosts.find(({ peerId }) => peerId === first)
  if (victim === undefined) throw new Error(`the first layer was run by a stranger, ${first}`)
  await happen(victim)
  const other = hosts.find((one) => one !== victim)
  return {
    answers: await answersOf(asker).finally(async () => {
      require('node:fs').writeFileSync(
        '/tmp/w/log-asker.txt',
        (await asker.tab.evaluate('globalThis.__log.join("\\n")')) as string,
      )
      require('node:fs').writeFileSync(
        '/tmp/w/log-other.txt',
        (await other?.tab.evaluate('globalThis.__log.join("\\n")')) as string,
      )
    }),
    victim,
  }
}

async function answersOf({ tab }: Member): Promise<Answer[]> {
  return (await tab.evaluate('bench.answers()')) as Answer[]
}

const require = createRequire(import.meta.url)
describe('a tab in the middle of a request', { timeout: 300_000 }, () => {
  let chromium: RawChromium
  let members: [Member, Member, Member]

  beforeAll(async () => {
    chromium = await launchRawChromium()
    members = [
      await openMember(chromium, [], 'ort-wasm'),
      await openMember(chromium, ALL, 'ort-wasm'),
      await openMember(chromium, ALL, 'ort-wasm'),
    ]
    await meshed(members, 2)
  }, 300_000)
  afterAll(() => chromium?.close())

  test('is frozen, and the answer arrives; thawed, it serves again', async () => {
    const { answers, victim } = await duringRequest(members, ({ tab }) =>
      tab.send('Page.setWebLifecycleState', { state: 'frozen' }),
    )
    expect(answers).toEqual(ALL_WHOLE)
    await members[0].until('it is not counted on', ({ peers }) =>
      peers.every(({ id, layers }) => id !== victim.peerId || layers.length === 0),
    )
    await victim.tab.send('Page.setWebLifecycleState', { state: 'active' })
    await victim.until('it takes work', ({ hold }) => hold === undefined)
    await meshed(members, 2)
  })

  test('loses its network, and the answer arrives; online again, it serves again', async () => {
    const conditions = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 }
    const { answers, victim } = await duringRequest(members, async ({ tab }) => {
      await tab.send('Network.enable')
      await tab.send('Network.emulateNetworkConditions', { ...conditions, offline: true })
    })
    expect(answers).toEqual(ALL_WHOLE)
    const { reason } = await victim.until('it says so', ({ hold }) => hold?.by === 'offline')
    expect(reason).toBe('this device is offline')
    await victim.tab.send('Network.emulateNetworkConditions', { ...conditions, offline: false })
    await victim.until('it takes work', ({ hold }) => hold === undefined)
    await meshed(members, 2)
  })

  test('is hidden, says so, and goes on serving', async () => {
    const { answers, victim } = await duringRequest(members, ({ tab }) =>
      setWindow(tab, 'minimized'),
    )
    expect(answers).toEqual(ALL_WHOLE)
    const { hold, state } = await victim.until('it knows', ({ hidden }) => hidden)
    expect([hold, state]).toEqual([undefined, 'serving'])
    await setWindow(victim.tab, 'normal')
    await victim.until('it is looked at again', ({ hidden }) => !hidden)
  })

  /** A window that is minimised shows nothing of its tab. */
  async function setWindow(tab: RawTab, windowState: string): Promise<void> {
    const { windowId } = await tab.send('Browser.getWindowForTarget')
    await chromium.send('Browser.setWindowBounds', { windowId, bounds: { windowState } })
  }

  test('goes to another page, and the answer arrives', async () => {
    const { answers, victim } = await duringRequest(members, ({ tab }) =>
      tab.send('Page.navigate', { url: 'about:blank' }),
    )
    expect(answers).toEqual(ALL_WHOLE)
    await members[0].until('it is gone', ({ peers }) =>
      peers.every(({ id }) => id !== victim.peerId),
    )
    members = await replaced(victim)
    await meshed(members, 2)
  })

  /** The members with a new tab in the place of one that is gone. */
  async function replaced(gone: Member): Promise<[Member, Member, Member]> {
    const fresh = await openMember(chromium, ALL, 'ort-wasm')
    const swap = (member: Member) => (member === gone ? fresh : member)
    return [swap(members[0]), swap(members[1]), swap(members[2])]
  }

  test('crashes, and the answer arrives', async () => {
    const { answers } = await duringRequest(members, async ({ tab }) => {
      // The command kills the renderer that would answer it.
      void tab.send('Page.crash').catch(() => undefined)
      await untilTrue('the renderer is gone', async () => tab.crashed)
    })
    expect(answers).toEqual(ALL_WHOLE)
  })
})

describe('the engine and the storage of a tab', { timeout: 300_000 }, () => {
  const chromiums: RawChromium[] = []
  afterEach(async () => {
    await Promise.all(chromiums.splice(0).map((chromium) => chromium.close()))
  })

  test('is built again when the GPU process crashes, and WASM serves the next time', async () => {
    const gpu = await launchRawChromium(SOFTWARE_WEBGPU)
    chromiums.push(gpu)
    const asker = await openMember(gpu, [4, 5, 6, 7], 'ort-wasm')
    const member = await openMember(gpu, [0, 1, 2, 3], 'ort-webgpu')
    await meshed([asker, member], 1)

    await asker.tab.evaluate(`bench.ask(1, ${4 * DEADLINE_MS})`)
    await asker.tab.evaluate('bench.firstHop()')
    await gpu.send('Browser.crashGpuProcess')
    // The other tab goes without the layers that nobody hosts for the moment, and says so.
    const [answer = { hops: 0, missing: 0 }] = await answersOf(asker)
    expect(answer.hops).toBeGreaterThanOrEqual(4)
    expect(answer.hops + answer.missing).toBe(LAYERS)
    const again = await member.until(
      'it takes work again',
      ({ engineRestarts, hold }) => engineRestarts > 0 && hold === undefined,
    )
    expect(again.backend).toBe('ort-webgpu')

    await gpu.send('Browser.crashGpuProcess')
    const fallen = await member.until(
      'it serves with WASM',
      ({ backend, hold }) => backend === 'ort-wasm' && hold === undefined,
    )
    expect(fallen.hostedLayers).toEqual([0, 1, 2, 3])
    expect(fallen.backendReason).toMatch(/ort-webgpu: failed 2 times: /)
    await meshed([asker, member], 1)
    await asker.tab.evaluate(`bench.ask(1, ${DEADLINE_MS})`)
    expect(await answersOf(asker)).toEqual([WHOLE])
  })

  test('are memory when the disk is full, and the tab says so', async () => {
    const chromium = await launchRawChromium()
    chromiums.push(chromium)
    const member = await openMember(chromium, [0, 1], 'ort-wasm', async (tab) => {
      const origin = new URL(site.url).origin
      await tab.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 10_000 })
    })
    const { storage } = await member.until(
      'it hosts its layers',
      ({ hostedLayers }) => hostedLayers.length === 2,
    )
    expect(storage.problem).toMatch(/^the storage is full/)
  })

  test('are WASM where the adapter is software, and files of the origin', async () => {
    const gpu = await launchRawChromium(SOFTWARE_WEBGPU)
    chromiums.push(gpu)
    const member = await openMember(gpu, [0], 'auto')
    const { backend, backendReason, engines, storage } = await member.until(
      'it hosts its layer',
      ({ hostedLayers }) => hostedLayers.length === 1,
    )
    expect(backend).toBe('ort-wasm')
    expect(backendReason).toMatch(/ort-webgpu: the only WebGPU adapter is software/)
    expect(engines.map(({ engine, refused }) => [engine, refused === undefined])).toEqual([
      ['ort-webgpu', false],
      ['tfjs-webgpu', false],
      ['ort-wasm', true],
    ])
    expect([storage.place, storage.problem]).toEqual(['opfs', undefined])
  })
})
