import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { sha256 } from '@layerswarm/model'
import { inputOf, textOf } from './corpus.ts'
import { SHRINKS_MAX } from './limits.ts'
import type { MemberTrace } from './member/run-member.ts'
import { execute, Finding, type Target } from './target.ts'

/** Where findings are kept, and how each is told. */
export interface FindingsOptions {
  readonly folder: string
  say(line: string): void
}

/** Findings of a run, each kind once. */
export interface Findings {
  /** Makes it small, keeps it in a file, and says how to repeat it. */
  add(target: Target, found: Finding): Promise<void>
  readonly count: number
}

/** No findings yet. */
export function createFindings({ folder, say }: FindingsOptions): Findings {
  const kinds = new Set<string>()
  return {
    get count() {
      return kinds.size
    },
    async add(target, found) {
      const key = `${target.name} ${found.kind}`
      if (kinds.has(key)) return
      kinds.add(key)
      const input = await smallest(target, found)
      const name = `${target.name.replaceAll('/', '.')}-${sha256(input).slice(0, 8)}`
      mkdirSync(folder, { recursive: true })
      const { kind, cause } = found
      const stack = cause instanceof Error ? cause.stack?.split('\n').slice(0, 6) : undefined
      const told = { target: target.name, kind, input: textOf(input), stack }
      writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(told, null, 2)}\n`)
      say(`FOUND ${target.name}: ${kind}`)
      say(`  repeat: node scripts/fuzz.mjs replay ${name} --findings ${folder}`)
    },
  }
}

/** An input of a decoder, or what happened to a member. */
export type KeptFinding =
  | { readonly target: string; readonly input: Uint8Array }
  | { readonly trace: MemberTrace }

/** A finding from its file. @param name of the file, with or without the folder. */
export function readFinding(folder: string, name: string): KeptFinding {
  const path = existsSync(name) ? name : join(folder, `${basename(name, '.json')}.json`)
  const { target, input, trace } = JSON.parse(readFileSync(path, 'utf8'))
  return trace === undefined ? { target: String(target), input: inputOf(String(input)) } : { trace }
}

/** The kind of finding that an input makes; undefined for none. */
export async function kindOf(target: Target, input: Uint8Array): Promise<string | undefined> {
  try {
    await execute(target, input)
    return undefined
  } catch (error) {
    return error instanceof Finding ? error.kind : String(error)
  }
}

/** Takes parts of an input away while it breaks the same. */
async function smallest(target: Target, { input: found, kind }: Finding): Promise<Uint8Array> {
  let input = found
  let attempts = 0
  for (let size = Math.ceil(input.length / 2); size >= 1; size = size === 1 ? 0 : size >> 1) {
    for (let at = 0; at < input.length && attempts < SHRINKS_MAX; attempts++) {
      const less = new Uint8Array([...input.subarray(0, at), ...input.subarray(at + size)])
      if ((await kindOf(target, less)) === kind) input = less
      else at += size
    }
  }
  return input
}
