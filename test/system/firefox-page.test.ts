import { POLICY_NAMES, simulate } from '@layerswarm/lab'
import type { PeerSnapshot } from '@layerswarm/peer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningSwarm, startService } from '../support/run-command.ts'
import { axeFindings } from './axe.ts'
import { FINISHED, untilSnapshot } from './browser.ts'
import { compareWithStored, WIDTHS } from './page-shots.ts'
import {
  type FirefoxTab,
  isFirefoxInstalled,
  launchRawFirefox,
  type RawFirefox,
} from './raw-firefox.ts'

const WAIT_MS = 60_000
const LAYERS = 8

/** Firefox has no emulation of it over BiDi yet: 0 is dark, 1 light. */
const SCHEMES = { dark: 0, light: 1 } as const
/** Nothing moves either: axe sees half-transparent words while they fade in. */
const scheme = (value: number) =>
  `user_pref("layout.css.prefers-color-scheme.content-override", ${value});
user_pref("ui.prefersReducedMotion", 1);
`

/** A picture that the page's own canvas draws, chosen as a file is. */
async function upload(
  tab: FirefoxTab,
  name: string,
  [width, height]: readonly [number, number],
  drawing: string,
): Promise<void> {
  await tab.evaluate(`(async () => {
    const canvas = new OffscreenCanvas(${width}, ${height})
    const context = canvas.getContext('2d')
    ${drawing}
    const file = new File([await canvas.convertToBlob()], ${JSON.stringify(name)}, { type: 'image/png' })
    const chosen = new DataTransfer()
    chosen.items.add(file)
    const input = document.querySelector('#file')
    input.files = chosen.files
    input.dispatchEvent(new Event('change'))
  })()`)
}

describe.skipIf(!isFirefoxInstalled())('the page in Firefox', () => {
  let firefox: RawFirefox
  let swarm: RunningSwarm
  let tab: FirefoxTab
  const snapshot = () => tab.evaluate<PeerSnapshot>('layerswarm.snapshot()')

  beforeAll(async () => {
    ;[firefox, swarm] = await Promise.all([
      launchRawFirefox(scheme(SCHEMES.light)),
      startService('signaling', '--port', '0'),
    ])
    tab = await firefox.open(`${swarm.url}/?capacity=${LAYERS}`)
  })
  afterAll(async () => {
    await firefox?.close()
    await swarm?.end('SIGTERM')
  })

  async function untilTrue(expression: string): Promise<void> {
    await expect
      .poll(() => tab.evaluate(expression), { timeout: WAIT_MS, message: expression })
      .toBe(true)
  }
  const text = (selector: string) =>
    tab.evaluate<string>(`document.querySelector(${JSON.stringify(selector)}).innerText`)
  const answered = () => untilTrue(`document.querySelector(${JSON.stringify(FINISHED)}) !== null`)

  test('shows the swarm before joining, and nothing serious to axe', async () => {
    await untilTrue(`document.querySelectorAll('[data-testid="sample"]').length === 24`)
    await untilTrue(`!document.querySelector('#swarm-seen').hidden`)
    expect(await text('#swarm-seen')).toContain('Nobody')
    expect(await axeFindings((script) => tab.evaluate(script))).toEqual([])
  })

  test.each(Object.keys(SCHEMES) as (keyof typeof SCHEMES)[])(
    'looks at every width much as its stored screenshots, %s',
    async (name) => {
      const other = await launchRawFirefox(scheme(SCHEMES[name]))
      try {
        const page = await other.open(swarm.url)
        const ready = `document.querySelectorAll('[data-testid="sample"]').length === 24 && !document.querySelector('#swarm-seen').hidden`
        await expect.poll(() => page.evaluate(ready), { timeout: WAIT_MS }).toBe(true)
        for (const width of WIDTHS) {
          await page.resize(width, 844)
          await compareWithStored(await page.screenshot(), `firefox-${width}-${name}`)
        }
      } finally {
        await other.close()
      }
    },
  )

  test('can be called back while it joins, joins then, and a lone tab waits for nobody', async () => {
    await tab.click('[data-testid="join"]')
    await untilTrue(`!document.querySelector('#join-progress').hidden`)
    await tab.click('[data-testid="leave"]')
    await untilTrue(`document.querySelector('[data-testid="state"]').textContent === 'offline'`)
    await tab.click('[data-testid="join"]')
    await untilSnapshot(
      snapshot,
      'it hosts all layers',
      ({ hostedLayers }) => hostedLayers.length === LAYERS,
      WAIT_MS,
    )
    await tab.click('[data-testid="sample"]', 3)
    await answered()
    const card = await text('[data-testid="answer"]')
    expect(card).toContain('since the click')
    // The parts of the time leave no wait for others unnamed, and there was none.
    expect(card).not.toContain('waiting for')
  })

  test('says what the model knows, and takes a photo and a square of it', async () => {
    await tab.click('#tab-upload')
    expect(await text('#panel-upload .knows')).toContain('The model knows 10 kinds of picture')
    await upload(
      tab,
      'my coat.png',
      [120, 60],
      `context.fillStyle = '#ccc'
      context.fillRect(0, 0, 120, 60)
      context.fillStyle = '#333'
      context.fillRect(75, 15, 30, 30)`,
    )
    await untilTrue(`document.querySelector('#chosen-caption').textContent === 'my coat.png'`)
    await answered()
    await tab.evaluate(`(() => {
      const across = document.querySelector('#crop-left')
      across.value = across.max
      across.dispatchEvent(new Event('input'))
      across.dispatchEvent(new Event('change'))
    })()`)
    await untilTrue(`!document.querySelector('#crop-ground-choice').hidden`)
    await tab.click('#crop-classify')
    await untilTrue(
      `document.querySelector('#chosen').getContext('2d').getImageData(0, 0, 1, 1).data[0] === 0`,
    )
    await answered()
    await tab.click('#tab-samples')
  })

  test('a foreign picture is called one, and a sample is not', async () => {
    const tours = await startService(
      'signaling',
      '--port',
      '0',
      '--model',
      'models/fashion-vit-rounds',
    )
    const other = await firefox.open(`${tours.url}/?capacity=${LAYERS}&autojoin=1`)
    try {
      const state = () => other.evaluate<PeerSnapshot>('layerswarm.snapshot()')
      const hostsAll = ({ hostedLayers }: PeerSnapshot) => hostedLayers.length === LAYERS
      await untilSnapshot(state, 'it hosts all layers', hostsAll, WAIT_MS)
      const judged = (novel: boolean) =>
        `document.querySelector('[data-testid="answer"][data-novel="${novel}"]') !== null`
      const verdict = `document.querySelector('[data-testid="answer"]').innerText.includes('Unlike anything I was trained on')`
      await other.click('[data-testid="sample"]', 6)
      await expect.poll(() => other.evaluate(judged(false)), { timeout: WAIT_MS }).toBe(true)
      expect(await other.evaluate(verdict)).toBe(false)
      await upload(
        other,
        'board.png',
        [28, 28],
        `for (let square = 0; square < 16; square++) {
          const [column, row] = [square % 4, Math.floor(square / 4)]
          context.fillStyle = (column + row) % 2 === 0 ? '#222' : '#ddd'
          context.fillRect(7 * column, 7 * row, 7, 7)
        }`,
      )
      await expect.poll(() => other.evaluate(judged(true)), { timeout: WAIT_MS }).toBe(true)
      expect(await other.evaluate(verdict)).toBe(true)
      expect(await axeFindings((script) => other.evaluate(script))).toEqual([])
      expect(other.errors).toEqual([])
    } finally {
      await other.close()
      await tours.end('SIGTERM')
    }
  })

  test('on a phone shows samples and answer without scrolling, for thumbs', async () => {
    await tab.click('[data-testid="sample"]', 5)
    await answered()
    await tab.resize(390, 844)
    const seen = await tab.evaluate<{ sample: number; verdict: number; small: string[] }>(`(() => {
      scrollTo(0, 0)
      const bottom = (selector) => document.querySelector(selector).getBoundingClientRect().bottom
      const targets = [...document.querySelectorAll('button, select, summary, [role="tab"]')]
      const small = targets.filter((target) => {
        const { width, height } = target.getBoundingClientRect()
        return width > 0 && (height < 44 || width < 44)
      })
      return {
        sample: bottom('[data-testid="sample"]'),
        verdict: bottom('.answer .verdict'),
        small: small.map(({ id, textContent }) => id || textContent),
      }
    })()`)
    expect(seen.sample).toBeLessThan(844)
    expect(seen.verdict).toBeLessThan(844)
    expect(seen.small).toEqual([])
    expect(await axeFindings((script) => tab.evaluate(script))).toEqual([])
    await tab.resize(1280, 844)
  })

  test('compares all policies, event by event as the lab does elsewhere', async () => {
    const other = await firefox.open(`${swarm.url}/?simulate=harsh,8,5,3`)
    const shown = `document.querySelector('[data-testid="compare-result"]')`
    await expect.poll(() => other.evaluate(`!${shown}.hidden`), { timeout: 2 * WAIT_MS }).toBe(true)
    expect(await other.evaluate('document.querySelectorAll("#compare-rows tr").length')).toBe(
      POLICY_NAMES.length,
    )
    const { traceHash } = simulate('harsh', { peers: 8, requests: 5, seed: 3, policy: 'all' })
    expect(await other.evaluate(`${shown}.dataset.trace`)).toBe(traceHash)
    expect(other.errors).toEqual([])
    await other.close()
  })

  test('its host sees lanes, coverage, answers and versions at /swarm', async () => {
    const other = await firefox.open(`${swarm.url}/swarm`)
    const words = () => other.evaluate<string>('document.body.innerText')
    await expect.poll(words, { timeout: WAIT_MS }).toContain('1 peer hosts layers')
    expect(await axeFindings((script) => other.evaluate(script))).toEqual([])
    await other.close()
  })

  test('rests by the clock as it was chosen, and helps again', async () => {
    // Firefox tells pages neither of a battery nor of a metered connection: those rules, on by default, hold nobody back.
    expect(
      await tab.evaluate(
        `['getBattery' in navigator, 'connection' in navigator, document.querySelector('#rule-battery').checked, document.querySelector('#rule-metered').checked]`,
      ),
    ).toEqual([false, false, true, true])
    const choose = (id: string, value: string) =>
      tab.evaluate(`(() => {
        const input = document.querySelector('${id}')
        input.value = '${value}'
        input.dispatchEvent(new Event('change'))
      })()`)
    const hour = new Date().getHours()
    const two = (value: number) => String(value % 24).padStart(2, '0')
    await choose('#rule-from', `${two(hour + 2)}:00`)
    await choose('#rule-to', `${two(hour + 3)}:00`)
    await untilSnapshot(snapshot, 'it rests', ({ state }) => state === 'paused', WAIT_MS)
    expect(await text('#rest')).toBe(`Resting until ${two(hour + 2)}:00, as you chose.`)
    await choose('#rule-from', '')
    await untilSnapshot(snapshot, 'it helps again', ({ state }) => state === 'serving', WAIT_MS)
    await untilTrue(`document.querySelector('#rest').hidden`)
  })

  test('shares one choice with another tab of its window, and says so', async () => {
    const second = await tab.beside(`${swarm.url}/?layers=none&autojoin=1`)
    const note = `document.querySelector('#tabs-note').textContent`
    await untilTrue(`${note}.startsWith('2 tabs of this browser are in the swarm')`)
    await untilSnapshot(snapshot, 'it gives half', ({ timeShare }) => timeShare === 0.5, WAIT_MS)
    expect(second.errors).toEqual([])
    await second.close()
    await untilSnapshot(snapshot, 'it gives all again', ({ timeShare }) => timeShare === 1, WAIT_MS)
    await untilTrue(`document.querySelector('#tabs-note').hidden`)
  })

  test('rests when nobody has looked at it for half an hour, if that was chosen', async () => {
    // A tab of its own: half an hour passes in an instant, by the one clock that the page has.
    const other = await firefox.open(`${swarm.url}/?layers=none&autojoin=1`)
    const state = () => other.evaluate<string>('layerswarm.snapshot().state')
    await expect.poll(state, { timeout: WAIT_MS }).toBe('serving')
    await other.evaluate(`(() => {
      document.querySelector('#rule-hidden').click()
      const now = performance.now.bind(performance)
      let aheadMs = 0
      performance.now = () => now() + aheadMs
      window.passHalfAnHour = () => { aheadMs = 31 * 60_000 }
    })()`)
    const cover = await other.beside('about:blank')
    await expect
      .poll(() => other.evaluate('document.visibilityState'), { timeout: WAIT_MS })
      .toBe('hidden')
    expect(await state()).toBe('serving')
    await other.evaluate('passHalfAnHour()')
    await expect.poll(state, { timeout: WAIT_MS }).toBe('paused')
    expect(await other.evaluate(`document.querySelector('#rest').innerText`)).toBe(
      'Resting: nobody has looked at this tab for long.',
    )
    await cover.close()
    await other.show()
    await expect.poll(state, { timeout: WAIT_MS }).toBe('serving')
    await other.close()
  })

  test('thanks whoever leaves, and remembers what was given and chosen', async () => {
    await tab.evaluate(`(() => {
      const share = document.querySelector('[data-testid="time-share"]')
      share.value = '0.5'
      share.dispatchEvent(new Event('change'))
    })()`)
    await tab.click('[data-testid="leave"]')
    await untilTrue(`!document.querySelector('#thanks').hidden`)
    expect(await text('#thanks')).toContain('Thank you. This visit:')
    await tab.reload()
    await untilTrue(`!document.querySelector('#record').hidden`)
    expect(await text('#record')).toMatch(/[1-9]\d* layers run/)
    expect(await tab.evaluate(`document.querySelector('[data-testid="time-share"]').value`)).toBe(
      '0.5',
    )
    expect(tab.errors).toEqual([])
  })
})
