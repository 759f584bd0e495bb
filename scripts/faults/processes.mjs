// The processes of a swarm that something is done to: a server and peers, each ended by its id.
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Failure } from './failure.mjs'

const command = fileURLToPath(new URL('../../apps/cli/bin/layerswarm.js', import.meta.url))
const peersEntry = fileURLToPath(new URL('./peers.mjs', import.meta.url))
/** A slow and busy machine. */
const READY_MS_MAX = 120_000
const JOINS_MAX = 10

/** Whatever was started ends with this process, however that ends. */
const started = new Set()
process.once('exit', () => {
  for (const child of started) child.kill('SIGKILL')
})
for (const [name, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
])
  process.once(name, () => process.exit(code))

/**
 * Waits until something holds. @param state says in the end what does instead.
 * @throws Failure when it does not within `ms`.
 */
export async function until(what, holds, ms = READY_MS_MAX, everyMs = 100, state = undefined) {
  const endMs = performance.now() + ms
  while (!(await holds())) {
    if (performance.now() > endMs) {
      const instead = state === undefined ? '' : `: ${await state()}`
      throw new Failure(`waited ${Math.round(ms / 1_000)} s in vain until ${what}${instead}`)
    }
    await pause(everyMs)
  }
}

/** Joins: on a busy machine a server may not answer in time, and is asked again. */
export async function joinPatiently(join, isWanted = () => true) {
  for (let attempt = 1; isWanted(); attempt++) {
    try {
      return await join()
    } catch (error) {
      if (attempt >= JOINS_MAX) throw error
    }
  }
}

/** A port of this machine that is free now. */
export async function freePort(host = '127.0.0.1') {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** `layerswarm signaling` at this port. Returns its URL and process id when it is ready, and what ends it. */
export async function startServer({ host = '127.0.0.1', port, flags = [], execArgv = [] }) {
  const words = ['signaling', '--host', host, '--port', String(port), '--json', ...flags]
  const child = spawn(process.execPath, [...execArgv, command, ...words], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const ended = endOf(child)
  let text = ''
  child.stdout.on('data', (data) => {
    text += data
  })
  await until('the server is ready', () => {
    if (child.exitCode !== null) throw new Failure(`the server ended with ${child.exitCode}`)
    return text.includes('\n')
  })
  return {
    url: JSON.parse(text).ready,
    pid: child.pid,
    async end(signal = 'SIGTERM') {
      child.kill(signal)
      await ended
    },
  }
}

/**
 * A process of peers with these options of `createPeer`. @param words what runs it, before Node: to be in another
 * network namespace.
 */
export function startPeers(options, { count = 1, words = [], execArgv = [] } = {}) {
  const [program, ...rest] = [...words, process.execPath, ...execArgv]
  const child = spawn(program, [...rest, peersEntry, JSON.stringify(options), String(count)], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    // A session of its own: Linux shares the processors between sessions first, and one peer is as good as another.
    detached: true,
  })
  return overIpc(child)
}

/**
 * A process of this folder that answers what it is sent, one after the other. @param detached in a session of its own,
 * as peers are.
 */
export function startScript(name, words, { detached = false } = {}) {
  const entry = fileURLToPath(new URL(name, import.meta.url))
  return overIpc(fork(entry, words, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], detached }))
}

/** Resolves with its end; until then it is one of those that end with this process. */
function endOf(child) {
  started.add(child)
  return once(child, 'close').finally(() => started.delete(child))
}

function overIpc(child) {
  const ended = endOf(child)
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null
  const waiting = new Map()
  let asked = 0
  child.on('message', ({ id, ...answer }) => {
    waiting.get(id)?.(answer)
    waiting.delete(id)
  })
  // What is sent to a process that has just been killed is lost with it.
  child.on('error', () => undefined)
  return {
    pid: child.pid,
    hasEnded,
    /** What it answers; undefined when it has ended. */
    async ask(question = {}) {
      if (hasEnded() || !child.connected) return undefined
      const id = asked++
      const answered = new Promise((resolve) => waiting.set(id, resolve))
      child.send({ ...question, id }, () => undefined)
      return Promise.race([answered, ended.then(() => undefined)])
    },
    signal: (name) => child.kill(name),
    async end(signal = 'SIGKILL') {
      child.kill(signal)
      await ended
    },
  }
}

/** Memory and open files of a process, as Linux counts them. */
export async function usageOf(pid) {
  const [status, files] = await Promise.all([
    readFile(`/proc/${pid}/status`, 'utf8'),
    readdir(`/proc/${pid}/fd`),
  ])
  return {
    rssMB: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1_024),
    files: files.length,
  }
}

/** A line of progress. */
export function say(text) {
  process.stderr.write(`${text}\n`)
}

/** The value below which so much of sorted numbers lies. */
export function quantile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
}
