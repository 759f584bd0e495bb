// Searches for inputs and sequences of messages with which our code does what it must not.
//
//   node scripts/fuzz.mjs decoders    changes inputs of every decoder, led by what they reach
//   node scripts/fuzz.mjs properties  the property tests of every decoder, as many cases as wanted
//   node scripts/fuzz.mjs member      drives a member with hostile messages, checks its invariants
//   node scripts/fuzz.mjs replay NAME repeats a finding
//
// docs/fuzzing.md says more. Random worlds are `npx layerswarm simulate --fuzz`.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { rolldown } from 'rolldown'
import { createCounters } from './coverage-counters.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const USAGE = `fuzz: say what to do, as one of
  node scripts/fuzz.mjs decoders [--executions N] [--seconds S] [--seed S] [--target NAME]… [--corpus DIR] [--keep]
  node scripts/fuzz.mjs properties [--cases N] [--seed S] [--target NAME]…
  node scripts/fuzz.mjs member [--runs N] [--first RUN] [--seed S]
  node scripts/fuzz.mjs replay NAME`

/** An input that takes longer than this hangs, milliseconds; the machine may be busy. */
const HANG_MS = 120_000
/** Longest input that is kept aside, as in test/fuzz/limits.ts. */
const WATCHED_BYTES_MAX = 65_536

function fail(line) {
  process.stderr.write(`${line}\n`)
  process.exit(2)
}

function readLine() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        executions: { type: 'string', default: '1000000' },
        seconds: { type: 'string' },
        cases: { type: 'string', default: '1000000' },
        runs: { type: 'string', default: '1000' },
        first: { type: 'string', default: '0' },
        seed: { type: 'string', default: '1' },
        target: { type: 'string', multiple: true, default: [] },
        corpus: { type: 'string' },
        findings: { type: 'string', default: join(root, 'runs/fuzz/findings') },
        keep: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    return fail(`fuzz: ${error.message}\n${USAGE}`)
  }
}

/** A whole number of a flag. */
function whole(name, text) {
  const value = Number(text)
  if (text === undefined || (Number.isSafeInteger(value) && value >= 0)) return text && value
  return fail(`fuzz: --${name} takes a whole number from 0, not "${text}"`)
}

/** Our sources and the fuzzer as one file; what is installed stays outside. */
async function build(isCounted) {
  const counters = createCounters()
  const made = await rolldown({
    input: join(root, 'test/fuzz/main.ts'),
    platform: 'node',
    resolve: { conditionNames: ['source', 'node', 'import'] },
    external: (id) => isBuiltin(id) || (!/^[./#]/.test(id) && !id.startsWith('@layerswarm/')),
    plugins: isCounted ? [counters.plugin] : [],
    logLevel: 'silent',
  })
  const { output } = await made.generate({ format: 'esm', codeSplitting: false })
  await made.close()
  const folder = join(root, 'node_modules/.cache/layerswarm')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `fuzz-${process.pid}.mjs`)
  const { code } = output[0]
  writeFileSync(file, isCounted ? counters.prologue() + code : code)
  process.on('exit', () => rmSync(file, { force: true }))
  return file
}

/** Ends a worker whose input does not end, and keeps that input. */
function watchOver(worker, watch, findings) {
  const words = new Int32Array(watch, 0, 3)
  let before = -1
  let sinceMs = performance.now()
  const timer = setInterval(() => {
    const now = Atomics.load(words, 2)
    const ms = performance.now()
    if (now !== before || now === 0) {
      before = now
      sinceMs = ms
    } else if (ms - sinceMs > HANG_MS) {
      mkdirSync(findings, { recursive: true })
      const path = join(findings, `hang-${words[0]}-${now}.bin`)
      writeFileSync(path, new Uint8Array(watch, 12, words[1]).slice())
      process.stdout.write(`FOUND a decoder that hangs: number ${words[0]}, its input is ${path}\n`)
      process.exitCode = 1
      clearInterval(timer)
      worker.terminate()
    }
  }, 1_000)
  return () => clearInterval(timer)
}

const { values, positionals } = readLine()
const [command, name, ...more] = positionals
const known = ['decoders', 'properties', 'member', 'replay']
const isWhole = command === 'replay' ? name !== undefined && more.length === 0 : name === undefined
if (!known.includes(command) || !isWhole) fail(USAGE)
const watch = new SharedArrayBuffer(12 + WATCHED_BYTES_MAX)
const numbers = Object.fromEntries(
  ['executions', 'seconds', 'cases', 'runs', 'first', 'seed'].map((flag) => [
    flag,
    whole(flag, values[flag]),
  ]),
)
const worker = new Worker(await build(command === 'decoders'), {
  workerData: {
    ...{ command, name, watch, ...numbers, targets: values.target, corpus: values.corpus },
    ...{ findings: values.findings, keep: values.keep },
    kept: join(root, 'test/fuzz/corpus.json'),
  },
})
const unwatch = watchOver(worker, watch, values.findings)
worker.on('message', ({ line, broken }) => {
  if (line !== undefined) process.stdout.write(`${line}\n`)
  if (broken !== undefined) process.exitCode = broken > 0 ? 1 : 0
})
worker.on('error', (error) => {
  process.stderr.write(`fuzz: ${error.stack ?? error}\n`)
  process.exitCode = 1
})
worker.on('exit', unwatch)
