import { parentPort, workerData } from 'node:worker_threads'
import { runDecoders } from './hunting/run-decoders.ts'
import { runMember } from './member/run-member.ts'
import { runProperties } from './run-properties.ts'
import { runReplay } from './run-replay.ts'

/** What `scripts/fuzz.mjs` asks for, in the worker that it watches. */
const port = parentPort
if (port === null) throw new Error('this is a worker of scripts/fuzz.mjs')
const say = (line: string) => port.postMessage({ line })
const { command, ...options } = workerData
const commands = {
  decoders: runDecoders,
  properties: runProperties,
  member: runMember,
  replay: runReplay,
}
port.postMessage({ broken: await commands[command as keyof typeof commands]({ ...options, say }) })
