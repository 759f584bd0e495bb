// A claim policy of your own beside the one that ships, in one simulated world under heavy churn.
//
//   node examples/policy-in-the-lab/policy.js [SEED]
import { simulate } from '@layerswarm/lab'
import { gossip } from '@layerswarm/swarm'

const [seed = '1'] = process.argv.slice(2)

/**
 * As the policy that ships, but whoever is not first in rank waits a quarter as long before it claims
 * as well: a dead favourite costs less time, and more layers run twice.
 * @type {import('@layerswarm/swarm').ClaimPolicy}
 */
const impatient = {
  ...gossip,
  delayMs: (ahead, staggerMs) => gossip.delayMs(ahead, staggerMs / 4),
}

// Peers, links, faults and requests are the same for both; the seed repeats the run event by event.
const report = simulate('harsh', {
  peers: 40,
  requests: 150,
  seed: Number(seed),
  policies: { 'first-answer': gossip, impatient },
})

for (const [name, { answeredShare, p50Ms, p95Ms, extraWorkShare }] of Object.entries(
  report.policies,
)) {
  const answered = `${(100 * answeredShare).toFixed(1)} % answered`
  const extra = `${(100 * extraWorkShare).toFixed(1)} % extra work`
  console.log(
    `${name}: ${answered}, p50 ${p50Ms.toFixed(0)} ms, p95 ${p95Ms.toFixed(0)} ms, ${extra}`,
  )
}
