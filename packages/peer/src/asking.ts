import {
  type EncodedActivation,
  type Manifest,
  measuredGroupings,
  type Tensor,
} from '@layerswarm/model'
import {
  CLASSIFY_POLICY_DEFAULT,
  type Classification,
  type ClassifyPolicy,
  type Member,
} from '@layerswarm/swarm'
import { lineOf } from './compute/compute-reply.ts'
import type { PartCompute } from './compute/part-compute.ts'
import { pause } from './deadline.ts'
import { LANE_MEET_SHARE } from './limits.ts'

/** What a request goes through on its way into the lane. */
export interface AskingNeeds {
  readonly member: Pick<Member, 'classify' | 'snapshot' | 'on'>
  readonly compute: Pick<PartCompute, 'stem'>
  /** It names the rounds that were measured: what `rounds: 'auto'` chooses among. */
  readonly manifest: Pick<Manifest, 'rounds' | 'spec'>
  /** Ends with the first neighbour, or when there seems to be none. Never rejects. */
  laneMet(): Promise<unknown>
}

/**
 * Asks a swarm. The deadline counts from this call: making the images, the stem and the wait for a neighbour are
 * part of it, and at its end the answer fails though one of them goes on.
 * @param images (B, channels, size, size), or what makes them.
 * @returns at once; the answer rejects with what kept the images or the stem from coming about, or a SwarmError.
 * @throws SwarmError `bad-request` for an impossible policy.
 */
export function askSwarm(
  { member, compute, manifest, laneMet }: AskingNeeds,
  images: Tensor | (() => Promise<Tensor>),
  given: Partial<ClassifyPolicy> = {},
): Classification {
  const policy = { groupings: measuredGroupings(manifest), ...given }
  const { deadlineMs } = { ...CLASSIFY_POLICY_DEFAULT, ...policy }
  let cause: unknown

  async function stem(): Promise<EncodedActivation> {
    const made = typeof images === 'function' ? await images() : images
    const output = compute.stem(made)
    // It is met while the stem runs; if that fails, its error is the one to tell.
    const [activation] = await Promise.all([output, neighbourMet()])
    return activation
  }

  /** Who hosts all layers itself needs nobody. */
  async function neighbourMet(): Promise<void> {
    const hostsAll = () => {
      const { hosted, coverage } = member.snapshot()
      return hosted.length === coverage.length
    }
    if (hostsAll()) return
    const met = new AbortController()
    void laneMet().then(() => met.abort())
    const unlisten = member.on(({ type }) => {
      if (type === 'layers-changed' && hostsAll()) met.abort()
    })
    await pause(LANE_MEET_SHARE * deadlineMs, met.signal)
    unlisten()
  }

  const asked = member.classify((finished) => {
    stem().then(
      (activation) => finished({ stem: activation }),
      (error: unknown) => {
        cause = error
        finished({ failure: lineOf(error) })
      },
    )
  }, policy)
  const answer = asked.answer.catch((error: unknown) => {
    throw isOfStem(error) ? (cause ?? error) : error
  })
  return { ...asked, answer }
}

function isOfStem(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'stem-failed'
}
