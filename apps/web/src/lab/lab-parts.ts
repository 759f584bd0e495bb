import { checkPart, checkSha256, type Manifest, type Part, tokensOf } from '@layerswarm/model'
import { LAYER_PRODUCTS_MAX } from './limits.ts'

/** Why a model is too large for simulated peers in one tab; undefined when it is not. */
export function labProblem({ spec }: Manifest): string | undefined {
  const { width, mlpWidth } = spec
  const tokens = tokensOf(spec)
  const products = tokens * (4 * width * width + 2 * width * mlpWidth + 2 * tokens * width)
  if (products <= LAYER_PRODUCTS_MAX) return undefined
  return 'This model is too large to be simulated in one tab; `layerswarm simulate` runs the lab without a browser.'
}

/** Every part of a release from its server, each checked against its hash. @throws Error or ModelError. */
export async function fetchParts(
  server: URL,
  { spec, parts }: Manifest,
): Promise<Map<Part, Uint8Array>> {
  const files = await Promise.all(
    parts.map(async ({ part, sha256 }): Promise<[Part, Uint8Array]> => {
      const response = await fetch(new URL(`parts/${sha256}`, server)).catch(() => {
        throw new Error('The server does not answer, so the lab has no model to run.')
      })
      if (!response.ok) throw new Error(`The server answers ${response.status} for part ${part}.`)
      const file = new Uint8Array(await response.arrayBuffer())
      checkSha256(file, sha256, `part ${part}`)
      checkPart(spec, part, file)
      return [part, file]
    }),
  )
  return new Map(files)
}
