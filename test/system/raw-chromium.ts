import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { FLAGS } from './browser.ts'

/**
 * Chromium over the bare DevTools protocol. Playwright tells every page that it has the focus, and a
 * page with the focus cannot be frozen.
 */
export interface RawChromium {
  /** A tab in a browser context of its own. */
  open(url: string): Promise<RawTab>
  send(method: string, params?: object): Promise<Record<string, unknown>>
  close(): Promise<void>
}

export interface RawTab {
  /** The value of an expression, awaited. @throws Error with the page's own message. */
  evaluate(expression: string): Promise<unknown>
  send(method: string, params?: object): Promise<Record<string, unknown>>
  /** As by its cross: the page hears that it goes, if there is time. */
  close(): Promise<void>
  /** Whether the renderer behind it has crashed. */
  readonly crashed: boolean
}

interface Pending {
  resolve(result: Record<string, unknown>): void
  reject(error: Error): void
}

export async function launchRawChromium(flags: readonly string[] = []): Promise<RawChromium> {
  const profile = await mkdtemp(join(tmpdir(), 'layerswarm-chromium-'))
  const executable = process.env.LAYERSWARM_CHROMIUM ?? '/usr/bin/chromium'
  const words = [...FLAGS, ...flags, '--headless=new', `--user-data-dir=${profile}`]
  const child = spawn(executable, [...words, '--remote-debugging-pipe', 'about:blank'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  })
  const wire = createWire(child)
  await wire.send('Browser.getVersion')
  return {
    send: (method, params) => wire.send(method, params),
    async open(url) {
      const { browserContextId } = await wire.send('Target.createBrowserContext')
      const { targetId } = await wire.send('Target.createTarget', { url, browserContextId })
      const { sessionId } = await wire.send('Target.attachToTarget', { targetId, flatten: true })
      const session = String(sessionId)
      await wire.send('Inspector.enable', {}, session)
      return {
        send: (method, params) => wire.send(method, params, session),
        evaluate: (expression) => evaluate(wire, session, expression),
        async close() {
          await wire.send('Target.closeTarget', { targetId })
        },
        get crashed() {
          return wire.crashed.has(session)
        },
      }
    },
    async close() {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill()
      await ended
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

async function evaluate(wire: Wire, session: string, expression: string): Promise<unknown> {
  const answer = await wire.send(
    'Runtime.evaluate',
    { expression, awaitPromise: true, returnByValue: true },
    session,
  )
  const { result, exceptionDetails } = answer as {
    result?: { value?: unknown; description?: string }
    exceptionDetails?: { text?: string }
  }
  if (exceptionDetails !== undefined) {
    throw new Error(result?.description ?? exceptionDetails.text ?? 'the page threw')
  }
  return result?.value
}

interface Wire {
  readonly crashed: ReadonlySet<string>
  send(method: string, params?: object, sessionId?: string): Promise<Record<string, unknown>>
}

/** Messages end with a NUL, on the child's file descriptors 3 and 4. */
function createWire(child: ChildProcess): Wire {
  const [, , , toChild, fromChild] = child.stdio as [null, null, null, Writable, Readable]
  const pending = new Map<number, Pending>()
  const crashed = new Set<string>()
  let next = 1
  let rest = ''
  fromChild.setEncoding('utf8').on('data', (text: string) => {
    const messages = (rest + text).split('\0')
    rest = messages.pop() ?? ''
    for (const message of messages) receive(JSON.parse(message))
  })

  function receive(message: {
    id?: number
    method?: string
    sessionId?: string
    result?: Record<string, unknown>
    error?: { message: string }
  }): void {
    if (message.method === 'Inspector.targetCrashed') crashed.add(message.sessionId ?? '')
    const waiting = pending.get(message.id ?? 0)
    pending.delete(message.id ?? 0)
    if (message.error === undefined) waiting?.resolve(message.result ?? {})
    else waiting?.reject(new Error(message.error.message))
  }

  return {
    crashed,
    send(method, params = {}, sessionId) {
      const id = next++
      toChild.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
      return new Promise((resolve, reject) => pending.set(id, { resolve, reject }))
    },
  }
}
