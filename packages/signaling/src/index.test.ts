import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import * as signalingPackage from './index.ts'
import { writeRelease } from './release-fixture.ts'

type Example = (
  given: typeof signalingPackage & { modelDir: string; lines: string[] },
) => Promise<Record<string, unknown>>

test('the example on the first page runs', async () => {
  const source = await readFile(new URL('index.ts', import.meta.url), 'utf8')
  const example = /```ts\n([\s\S]*?) \* ```/.exec(source)?.[1]?.replaceAll(/^ \* ?/gm, '') ?? ''
  const run: Example = new Function(
    'given',
    `const { createSignaling, formatLog, modelDir, lines } = given
    return (async () => { ${example}; return { addresses, releases, ready, peers, relay } })()`,
  ) as Example
  const modelDir = await mkdtemp(join(tmpdir(), 'layerswarm-example-'))
  await writeRelease(modelDir, 'tiny')
  const lines: string[] = []
  try {
    const result = await run({ ...signalingPackage, modelDir, lines })
    expect(result).toMatchObject({
      addresses: [expect.stringContaining('/ws/p2p/'), expect.stringContaining('/p2p/')],
      releases: [{ name: 'tiny' }],
      ready: true,
      peers: { announced: 0 },
      relay: { reservations: 0 },
    })
    expect(lines.at(-1)).toMatch(/^info stopped/)
  } finally {
    await rm(modelDir, { recursive: true })
  }
})
