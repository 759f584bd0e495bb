import { draw, drawMixed, drawOn } from '../draw.ts'
import { CLAIM_DELAY_MS_MAX } from '../limits.ts'
import { FINISH_STEP_MS, NEAR_MS, TRIAL_ONE_IN, UNPROVEN_MS } from './limits.ts'
import type { Candidate, ClaimPolicy } from './policy.ts'

/**
 * The plain form of the idea: nobody is named, and the first answer wins. Every provider ranks itself
 * among all that could take the step, by expected finishing time and, among equals, by a draw that all
 * compute alike. The first in rank claims at once; each next one waits a stagger longer, so a dead favourite costs one stagger and nobody has
 * to be asked.
 */
export const gossip: ClaimPolicy = Object.freeze<ClaimPolicy>({
  name: 'gossip',
  witnesses: 'lane',
  visitLayers: 1,

  favourite: () => undefined,

  rank(request, round, self, others) {
    const seed = draw(request, round)
    const ownCost = cost(self, seed)
    const ownDraw = drawMixed(seed, self.mark)
    let favourite = self.peer
    let bestCost = ownCost
    let bestDraw = ownDraw
    let ahead = 0
    for (const other of others) {
      const otherCost = cost(other, seed)
      if (otherCost > ownCost) continue
      const otherDraw = drawMixed(seed, other.mark)
      if (otherCost === ownCost && otherDraw >= ownDraw) continue
      ahead++
      if (otherCost > bestCost || (otherCost === bestCost && otherDraw >= bestDraw)) continue
      favourite = other.peer
      bestCost = otherCost
      bestDraw = otherDraw
    }
    return { ahead, favourite }
  },

  delayMs: (ahead, staggerMs) => Math.min(ahead * staggerMs, CLAIM_DELAY_MS_MAX),

  wins(request, hop, a, b) {
    const seed = draw(request, hop)
    const drawA = drawMixed(seed, draw(a))
    const drawB = drawMixed(seed, draw(b))
    return drawA === drawB ? a < b : drawA < drawB
  },

  order(layers, request, self) {
    const seed = draw(request, self)
    return [...layers].sort((a, b) => drawOn(seed, String(a)) - drawOn(seed, String(b)))
  },
})

/** Classes first, so that views of the time that differ a little rank alike. */
function cost(candidate: Candidate, seed: number): number {
  const badness = (candidate.failed ? 2e6 : 0) + (candidate.slow ? 1e6 : 0)
  // Rounded apart: views of the way differ, and must not shift the steps in which work is compared.
  const workMs = (candidate.pending + 1) * candidate.layerMs
  const way = candidate.transitMs < NEAR_MS ? 0 : Math.floor(candidate.transitMs / FINISH_STEP_MS)
  const stranger = candidate.unproven && seed % TRIAL_ONE_IN !== 0
  const strangeness = stranger ? Math.floor(UNPROVEN_MS / FINISH_STEP_MS) : 0
  return badness + strangeness + way + Math.floor(workMs / FINISH_STEP_MS)
}
