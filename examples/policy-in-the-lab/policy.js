// A claim policy of your own beside the one that ships, in one simulated world under heavy churn.
//
//   node examples/policy-in-the-lab/policy.js [SEED]
import { simulate } from '@layerswarm/lab'
import { directHandOver } from '@layerswarm/swarm'

const [seed = '1'] = process.argv.slice(2)

const shipped = directHandOver('few')

/**
 * As the policy that ships, but a provider runs one layer per visit: more peers take part, and the
 * tensor travels further.
 * @type {import('@layerswarm/swarm').ClaimPolicy}
 */
const oneLayer = { ...shipped, name: 'one-layer', visitLayers: 1 }

// Peers, links, faults and requests are the same for both; the seed repeats the run event by event.
const report = simulate('harsh', {
  peers: 40,
  requests: 150,
  seed: Number(seed),
  policies: { shipped, 'one-layer': oneLayer },
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
