import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'

/**
 * A stock Firefox over WebDriver BiDi (https://w3c.github.io/webdriver-bidi/). Playwright drives a
 * Firefox of its own make only: stock ones lack a command that it sends for every context.
 */
export interface RawFirefox {
  readonly version: string
  /** A tab in a user context of its own: nothing is shared with the others. */
  open(url: string): Promise<FirefoxTab>
  close(): Promise<void>
}

export interface FirefoxTab {
  /** Errors that the page let through to its console or its window. */
  readonly errors: readonly string[]
  /** The value of an expression, awaited, as far as JSON can say it. @throws Error with the page's own message. */
  evaluate<T>(expression: string): Promise<T>
  /** Presses the pointer on the nth element that a selector finds, until it hears it. @throws Error when there is none. */
  click(selector: string, nth?: number): Promise<void>
  send(method: string, params?: object): Promise<Reply>
  /** The window that the page sees, in CSS pixels. */
  resize(width: number, height: number): Promise<void>
  /** A PNG of the whole page. */
  screenshot(): Promise<Buffer>
  reload(): Promise<void>
  /** Another tab of the same window and the same storage, which covers this one. */
  beside(url: string): Promise<FirefoxTab>
  /** Brings it to the front: the others of its window are hidden. */
  show(): Promise<void>
  /** The first tab of a user context with all that were opened beside it. */
  close(): Promise<void>
}

type Reply = Readonly<Record<string, unknown>>

/** Without this each address is hidden behind a name that only multicast would resolve. */
const PREFERENCES = 'user_pref("media.peerconnection.ice.obfuscate_host_addresses", false);\n'
/** A page that moves between finding an element and pressing it is tried again so often: a reload scrolls late. */
const CLICKS_MAX = 10
/** Whether the element of a click has heard it, at once or on a busy machine a little later. */
const IS_PRESSED = `(async () => {
  for (let look = 0; look < 20 && !window.isPressed; look++)
    await new Promise((resolve) => setTimeout(resolve, 50))
  return window.isPressed
})()`
/** A slow and busy machine. */
const START_MS_MAX = 60_000

/** The Firefox that LAYERSWARM_FIREFOX names, or Debian's. */
export const firefoxProgram = process.env.LAYERSWARM_FIREFOX ?? '/usr/bin/firefox-esr'

/** Whether there is one to launch. */
export function isFirefoxInstalled(): boolean {
  try {
    accessSync(firefoxProgram, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** @param preferences lines of a user.js, beside those that every test needs. */
export async function launchRawFirefox(preferences = ''): Promise<RawFirefox> {
  const profile = await mkdtemp(join(tmpdir(), 'layerswarm-firefox-'))
  await writeFile(join(profile, 'user.js'), PREFERENCES + preferences)
  const words = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0']
  const child = spawn(firefoxProgram, [...words, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // Some homes belong to somebody else, and Firefox refuses to start there.
    env: { ...process.env, HOME: profile },
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const close = async (): Promise<void> => {
    child.kill()
    await ended
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    const wire = await createWire(`${await addressOf(child)}/session`)
    const { capabilities } = await wire.send('session.new', { capabilities: {} })
    await wire.send('session.subscribe', { events: ['log.entryAdded'] })
    return {
      version: String((capabilities as { browserVersion?: unknown }).browserVersion),
      open: (url) => openTab(wire, url),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Firefox says where it listens once it does. */
function addressOf(child: ChildProcess): Promise<string> {
  let said = ''
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`Firefox ${why}: ${said}`))
    const timer = setTimeout(() => fail('did not say where it listens'), START_MS_MAX)
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text
      const address = /WebDriver BiDi listening on (ws:\S+)/.exec(said)?.[1]
      if (address === undefined) return
      clearTimeout(timer)
      resolve(address)
    })
    child.once('error', (error) => fail(error.message))
    child.once('exit', () => fail('ended'))
  })
}

async function openTab(wire: Wire, url: string, shared?: unknown): Promise<FirefoxTab> {
  const { userContext } = shared
    ? { userContext: shared }
    : await wire.send('browser.createUserContext')
  const { context } = await wire.send('browsingContext.create', { type: 'tab', userContext })
  const errors: string[] = []
  wire.onError(String(context), (text) => errors.push(text))
  await wire.send('browsingContext.navigate', { context, url, wait: 'complete' })
  const evaluate = <T>(expression: string) => evaluateIn<T>(wire, context, expression)
  return {
    errors,
    evaluate,
    send: (method, params) => wire.send(method, { context, ...params }),
    async click(selector, nth = 0) {
      const target = { context }
      const expression = `document.querySelectorAll(${JSON.stringify(selector)})[${nth}]`
      for (let attempt = 0; attempt < CLICKS_MAX; attempt++) {
        const found = await wire.send('script.evaluate', {
          expression: `{
            const element = ${expression}
            element?.scrollIntoView({ block: 'center' })
            window.isPressed = false
            element?.addEventListener('click', () => (window.isPressed = true), { capture: true, once: true })
            element
          }`,
          target,
          awaitPromise: false,
        })
        const { sharedId } = found.result as { sharedId?: string }
        if (sharedId === undefined) throw new Error(`no element ${nth} of ${selector}`)
        const origin = { type: 'element', element: { sharedId } }
        const actions = [
          { type: 'pointerMove', x: 0, y: 0, origin },
          { type: 'pointerDown', button: 0 },
          { type: 'pointerUp', button: 0 },
        ]
        const pointer = { type: 'pointer', id: 'mouse', actions }
        await wire.send('input.performActions', { context, actions: [pointer] })
        if (await evaluate<boolean>(IS_PRESSED)) return
      }
      throw new Error(`element ${nth} of ${selector} moved away from ${CLICKS_MAX} clicks`)
    },
    async resize(width, height) {
      await wire.send('browsingContext.setViewport', { context, viewport: { width, height } })
    },
    async screenshot() {
      const { data } = await wire.send('browsingContext.captureScreenshot', {
        context,
        origin: 'document',
      })
      return Buffer.from(String(data), 'base64')
    },
    async reload() {
      await wire.send('browsingContext.reload', { context, wait: 'complete' })
    },
    beside: (other) => openTab(wire, other, userContext),
    async show() {
      await wire.send('browsingContext.activate', { context })
    },
    async close() {
      if (shared) await wire.send('browsingContext.close', { context })
      else await wire.send('browser.removeUserContext', { userContext })
    },
  }
}

async function evaluateIn<T>(wire: Wire, context: unknown, expression: string): Promise<T> {
  const { result, exceptionDetails } = (await wire.send('script.evaluate', {
    expression: `(async () => JSON.stringify(await (${expression})))()`,
    target: { context },
    awaitPromise: true,
  })) as { result?: { value?: string }; exceptionDetails?: { text: string } }
  if (exceptionDetails !== undefined) throw new Error(exceptionDetails.text)
  return (result?.value === undefined ? undefined : JSON.parse(result.value)) as T
}

interface Wire {
  send(method: string, params?: object): Promise<Reply>
  onError(context: string, listener: (text: string) => void): void
}

interface Pending {
  resolve(result: Reply): void
  reject(error: Error): void
}

interface Message {
  readonly id?: number
  readonly type: 'success' | 'error' | 'event'
  readonly result?: Reply
  readonly error?: string
  readonly message?: string
  readonly params?: { level?: string; text?: string; source?: { context?: string } }
}

async function createWire(address: string): Promise<Wire> {
  const socket = new WebSocket(address)
  const pending = new Map<number, Pending>()
  const listeners = new Map<string, (text: string) => void>()
  let next = 1
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', () => reject(new Error(`nobody answers at ${address}`)))
  })
  socket.addEventListener('message', ({ data }) => receive(JSON.parse(String(data)) as Message))
  socket.addEventListener('close', () => {
    for (const { reject } of pending.values()) reject(new Error('Firefox is gone'))
  })

  function receive({ id = 0, type, result = {}, error, message, params }: Message): void {
    if (type === 'event') {
      if (params?.level === 'error')
        listeners.get(params.source?.context ?? '')?.(params.text ?? '')
      return
    }
    const waiting = pending.get(id)
    pending.delete(id)
    if (type === 'success') waiting?.resolve(result)
    else waiting?.reject(new Error(`${error}: ${message}`))
  }

  return {
    onError: (context, listener) => listeners.set(context, listener),
    send(method, params = {}) {
      const id = next++
      socket.send(JSON.stringify({ id, method, params }))
      return new Promise((resolve, reject) => pending.set(id, { resolve, reject }))
    },
  }
}
