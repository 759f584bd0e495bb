import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { expect, test } from 'vitest'
import { createFindings } from '../fuzz/findings.ts'
import type { Counters } from '../fuzz/hunting/counters.ts'
import { Hunt } from '../fuzz/hunting/hunt.ts'
import { encode, Finding, type Target } from '../fuzz/target.ts'

const SECRET = encode('LAYER')

/** Counters as `scripts/coverage-counters.mjs` writes them, of a decoder with a place for each letter that is right. */
function planted(words: readonly string[] = []) {
  const counters: Counters & { reach(place: number): void } = {
    ...{ counts: new Uint32Array(9), places: new Uint32Array(9), touched: 0 },
    ...{ roomBytes: 0, roomBytesMax: 0, words },
    reach(place) {
      if (counters.counts[place] === 0) counters.places[counters.touched++] = place
      counters.counts[place] = (counters.counts[place] as number) + 1
    },
  }
  const target: Target = {
    name: 'planted',
    covers: [],
    kind: 'bytes',
    seeds: () => [encode('nothing')],
    run(input) {
      for (const [at, letter] of SECRET.entries()) {
        if (input[at] !== letter) return at
        counters.reach(at)
      }
      throw new TypeError('a fault behind five letters')
    },
  }
  return { counters, target }
}

/** How many executions it took to find the fault; undefined where they were not enough. */
async function executionsUntilFound(isLed: boolean, seed: number): Promise<number | undefined> {
  const { counters, target } = planted()
  let found: Finding | undefined
  const hunt = new Hunt({
    target,
    // Without places every input looks like the others.
    counters: isLed ? counters : { ...planted().counters },
    grown: { read: () => [], add() {} },
    kept: [],
    about() {},
    async found(finding) {
      found ??= finding
    },
  })
  await hunt.begin()
  for (let turn = 0; turn < 60 && found === undefined; turn++) await hunt.turn(2_000, seed, turn)
  return found === undefined ? undefined : hunt.executions
}

test('a fault behind five letters is found by what each letter reaches, and not without', async () => {
  for (const seed of [1, 2, 3]) {
    expect(await executionsUntilFound(true, seed), `seed ${seed}`).toBeLessThan(120_000)
    expect(await executionsUntilFound(false, seed), `seed ${seed}`).toBeUndefined()
  }
})

test('a hunt of the same seed takes the same way', async () => {
  expect(await executionsUntilFound(true, 4)).toBe(await executionsUntilFound(true, 4))
})

test('a finding is made small, kept, and told once with the line that repeats it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'layerswarm-hunt-'))
  try {
    const lines: string[] = []
    const findings = createFindings({ folder, say: (line) => lines.push(line) })
    const { target } = planted()
    const input = encode('LAYER and much behind it')
    for (let time = 0; time < 2; time++)
      await findings.add(
        target,
        new Finding('planted', input, 'TypeError: a fault behind five letters'),
      )
    expect(findings.count).toBe(1)
    const [name = ''] = readdirSync(folder)
    expect(JSON.parse(readFileSync(join(folder, name), 'utf8'))).toMatchObject({ input: 'LAYER' })
    const repeat = lines.at(-1)?.split('fuzz.mjs ')[1]?.split(' ') ?? []
    const { positionals } = parseArgs({
      args: repeat,
      allowPositionals: true,
      options: { findings: { type: 'string' } },
    })
    expect(positionals).toEqual(['replay', name.replace('.json', '')])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
