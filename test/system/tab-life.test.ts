import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  ALL,
  ALL_WHOLE,
  answersOf,
  DEADLINE_MS,
  duringRequest,
  LAYERS,
  type Member,
  meshed,
  openMember,
  untilTrue,
  WHOLE,
} from './bench-members.ts'
import { type BenchSite, startBenchSite } from './bench-page.ts'
import { SOFTWARE_WEBGPU } from './browser.ts'
import { launchRawChromium, type RawChromium, type RawTab } from './raw-chromium.ts'

let site: BenchSite
beforeAll(async () => {
  site = await startBenchSite()
})
afterAll(() => site?.stop())

describe('a tab in the middle of a request', { timeout: 300_000 }, () => {
  let chromium: RawChromium
  let members: [Member, Member, Member]

  beforeAll(async () => {
    chromium = await launchRawChromium()
    members = [
      await openMember(site.url, chromium, [], 'ort-wasm'),
      await openMember(site.url, chromium, ALL, 'ort-wasm'),
      await openMember(site.url, chromium, ALL, 'ort-wasm'),
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
    const fresh = await openMember(site.url, chromium, ALL, 'ort-wasm')
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
    const asker = await openMember(site.url, gpu, [4, 5, 6, 7], 'ort-wasm')
    const member = await openMember(site.url, gpu, [0, 1, 2, 3], 'ort-webgpu')
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
    const member = await openMember(site.url, chromium, [0, 1], 'ort-wasm', async (tab) => {
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
    const member = await openMember(site.url, gpu, [0], 'auto')
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
