import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  ALL,
  type Answer,
  duringRequest,
  LAYERS,
  type Member,
  meshed,
  openMember,
  untilTrue,
} from './bench-members.ts'
import { type BenchSite, startBenchSite } from './bench-page.ts'
import { SOFTWARE_WEBGPU } from './browser.ts'
import { launchRawChromium, type RawChromium } from './raw-chromium.ts'

/** How often each fault happens, always in the middle of requests: `LAYERSWARM_FAULT_TIMES=50` is the long form. */
const TIMES = Number(process.env.LAYERSWARM_FAULT_TIMES ?? 1)
/** In the short form those that `tab-life.test.ts` does not have once already. */
const isLong = TIMES > 1
/** A fault, what follows it and the meeting of a new tab, on a slow and busy machine. */
const FAULT_MS_MAX = 120_000

let site: BenchSite
let chromium: RawChromium
let members: [Member, Member, Member]
beforeAll(async () => {
  site = await startBenchSite()
  chromium = await launchRawChromium()
  members = [
    await openMember(site.url, chromium, [], 'ort-wasm'),
    await openMember(site.url, chromium, ALL, 'ort-wasm'),
    await openMember(site.url, chromium, ALL, 'ort-wasm'),
  ]
}, 300_000)
afterAll(async () => {
  await chromium?.close()
  await site?.stop()
})

/** What happens to a tab, and what is done afterwards so that it serves again. */
interface Fault {
  happen(victim: Member): Promise<unknown>
  mend(victim: Member): Promise<unknown>
}

const conditions = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 }
const FAULTS: Readonly<Record<string, Fault>> = {
  crashes: {
    async happen({ tab }) {
      // The command kills the renderer that would answer it.
      void tab.send('Page.crash').catch(() => undefined)
      await untilTrue('the renderer is gone', async () => tab.crashed)
    },
    mend: replace,
  },
  'is closed': { happen: ({ tab }) => tab.close(), mend: replace },
  'is frozen': {
    happen: ({ tab }) => tab.send('Page.setWebLifecycleState', { state: 'frozen' }),
    async mend(victim) {
      await victim.tab.send('Page.setWebLifecycleState', { state: 'active' })
      await victim.until('it takes work', ({ hold }) => hold === undefined)
    },
  },
  'loses its network': {
    async happen({ tab }) {
      await tab.send('Network.enable')
      await tab.send('Network.emulateNetworkConditions', { ...conditions, offline: true })
    },
    async mend(victim) {
      await victim.tab.send('Network.emulateNetworkConditions', { ...conditions, offline: false })
      await victim.until('it takes work', ({ hold }) => hold === undefined)
    },
  },
}

/** Opens a tab in the place of one that is gone. */
async function replace(gone: Member): Promise<void> {
  const fresh = await openMember(site.url, chromium, ALL, 'ort-wasm')
  members = members.map((member) => (member === gone ? fresh : member)) as typeof members
}

/** What became of the requests, in one line for the table of figures. */
function report(fault: string, answers: readonly Answer[], asked: number): void {
  const whole = answers.filter(({ missing }) => missing === 0).length
  const figures = { fault, times: TIMES, requests: asked, answered: answers.length, whole }
  if (isLong) process.stdout.write(`${JSON.stringify(figures)}\n`)
}

describe('every request is answered while a tab that has its activation', () => {
  test.each(isLong ? Object.keys(FAULTS) : ['is closed'])(
    '%s',
    async (name) => {
      const { happen, mend } = FAULTS[name] as Fault
      const all: Answer[] = []
      let asked = 0
      for (let time = 0; time < TIMES; time++) {
        await meshed(members, 2)
        const { answers, victim, requests } = await duringRequest(members, happen)
        all.push(...answers)
        asked += requests
        await mend(victim)
      }
      report(name, all, asked)
      expect(all).toHaveLength(asked)
      for (const { hops, missing } of all) expect(hops + missing).toBe(LAYERS)
    },
    TIMES * FAULT_MS_MAX,
  )

  const testWhenLong = isLong ? test : undefined
  testWhenLong?.(
    'loses its GPU process',
    async () => {
      const [asker, host, other] = members
      await other.tab.close()
      const all: Answer[] = []
      let asked = 0
      for (let time = 0; time < TIMES; time++) {
        // A browser gives its GPU up after some crashes.
        const gpu = await launchRawChromium(SOFTWARE_WEBGPU)
        const member = await openMember(site.url, gpu, ALL, 'ort-webgpu')
        await meshed([asker, host, member], 2)
        const { answers, requests } = await duringRequest([asker, host, member], () =>
          gpu.send('Browser.crashGpuProcess'),
        )
        all.push(...answers)
        asked += requests
        await gpu.close()
      }
      report('loses its GPU process', all, asked)
      expect(all).toHaveLength(asked)
      for (const { hops, missing } of all) expect(hops + missing).toBe(LAYERS)
    },
    TIMES * FAULT_MS_MAX,
  )
})
