import { standaloneSvg } from '@layerswarm/figures'
import { describe, expect, test } from 'vitest'
import { completion, scoreChurn, simulateChurn } from './churn.ts'
import { POLICY_NAMES, USUAL_POLICIES } from './policies/policy.ts'
import { churnMarkdown, churnPlot } from './report/churn.ts'
import { reportCsv } from './report/csv.ts'
import { filmSection } from './report/film.ts'
import { reportHtml } from './report/html.ts'
import { reportMarkdown } from './report/markdown.ts'
import { scoreReport, simulate } from './simulate.ts'

const SMALL = { peers: 20, requests: 30, seed: 4 }

describe('a simulation', { timeout: 60_000 }, () => {
  test('repeats event by event from its seed, and differs with another', () => {
    const [once, again, other] = [4, 4, 5].map((seed) =>
      simulate('harsh', { ...SMALL, seed, policy: 'any-order' }),
    )
    expect(again).toEqual(once)
    expect(other?.traceHash).not.toBe(once?.traceHash)
    expect(once?.traceHash).toMatch(/^[0-9a-f]{16}$/)
  })

  test('puts all policies on one stage and reports the same figures of each', () => {
    const report = simulate('harsh', SMALL)
    expect(Object.keys(report.policies)).toEqual(USUAL_POLICIES)
    expect(report).toMatchObject({ scenario: 'harsh', peers: 20, requests: 30, seed: 4, broken: 0 })
    for (const one of Object.values(report.policies)) {
      expect(one.requests).toBe(30)
      expect(one.answeredShare).toBe(one.answered / 30)
      expect(one.p50Ms).toBeLessThanOrEqual(one.p95Ms)
      expect(one.bytesPerRequest).toBeGreaterThan(1_000)
      expect(one.wastedComputeShare).toBeLessThan(1)
    }
    // All of them met the same swarm.
    const peers = Object.values(report.policies).map(({ timeline }) => timeline[20]?.peers)
    expect(new Set(peers).size).toBe(1)
  })

  test('says how it is repeated', () => {
    const { replay } = simulate('calm', {
      peers: 8,
      requests: 3,
      policy: 'any-order',
      set: { 'links.loss': '0.1' },
    })
    expect(replay).toBe(
      'npx layerswarm simulate calm --peers 8 --requests 3 --seed 1 --policy any-order --set links.loss=0.1',
    )
  })

  test('refuses what it does not know', () => {
    expect(() => simulate('calm', { policy: 'chaos' })).toThrow(
      'there is no policy "chaos"; the policies are any-order, in-order, rounds, auto, direct, gossip,',
    )
    expect(() => simulate('calm', { seed: 0.5 })).toThrow('the seed must be a whole number')
    expect(() => simulate('calm', { peers: 0 })).toThrow('peers must be a whole number above 0')
  })

  test('says first of all which protocol it ran', () => {
    const run = (set: Record<string, number>) =>
      simulate('calm', { peers: 4, requests: 2, policy: 'any-order', set })
    expect(JSON.stringify(run({}))).toMatch(/^\{"protocol":"production's protocol",/)
    const other = run({ 'policy.inlineBytes': 512 })
    const line =
      "not production's protocol: policy.inlineBytes = 512 (1024); in parentheses what ships"
    expect(other.protocol).toBe(line)
    expect(reportMarkdown(other).split('\n')[0]).toBe(`Protocol: ${line}.`)
  })

  test('tells how far it is', () => {
    const seen: number[] = []
    simulate('calm', {
      peers: 8,
      requests: 5,
      policy: 'any-order',
      onProgress: ({ done, of }) => seen.push(done / of),
    })
    expect(seen.at(-1)).toBe(1)
  })
})

/** A lane of a dozen, a request a second. */
const QUIET = { peers: 12, requests: 60, set: { 'requests.perMinute': 60 } }

describe('under churn', { timeout: 120_000 }, () => {
  test('a quiet lane answers everything, a chain that cannot recover does not', () => {
    // Of a chain in so small a world a whole run may be lucky.
    const runs = [1, 2, 3, 4].map((seed) => simulate('harsh', { ...QUIET, peers: 16, seed }))
    for (const { policies, broken } of runs) {
      expect(policies['any-order']?.answeredShare).toBe(1)
      expect(policies['any-order']?.partialShare).toBe(0)
      expect(policies['fixed-order-replay']?.answeredShare).toBeGreaterThan(0.97)
      expect(broken).toBe(0)
    }
    const chain = runs.map(({ policies }) => policies['fixed-order']?.answeredShare ?? 1)
    expect(chain.reduce((sum, share) => sum + share, 0) / runs.length).toBeLessThan(0.97)
  })

  // Twenty requests a second, of a swarm in which two in five leave within a minute.
  test('a busy lane of sixty answers everything and does little work twice', () => {
    const { policies, broken } = simulate('harsh', {
      peers: 60,
      requests: 60,
      seed: 1,
      policy: 'any-order',
    })
    const one = policies['any-order']
    expect(one?.answeredShare).toBe(1)
    expect(one?.partialShare).toBe(0)
    // What audits run again is meant: strangers are looked at once.
    const audited = one?.audits?.share ?? 0
    expect(audited).toBeLessThan(0.3)
    expect((one?.extraWorkShare ?? 1) - audited).toBeLessThan(0.15)
    expect(broken).toBe(0)
  })

  // Nobody is chosen: claims come after the work that they should have prevented, and it is done again.
  test('plain gossip in one lane of sixty does half of it twice and sends megabytes, answers all the same and breaks no promise', () => {
    const { policies, broken, protocol } = simulate('harsh', {
      peers: 60,
      requests: 20,
      seed: 1,
      policy: 'gossip',
      set: { 'lanes.peers': 0 },
    })
    expect(protocol).toMatch(/lanes.peers = 0 \(24\).*, but for the claim policy gossip$/)
    const one = policies.gossip
    expect(one?.answeredShare).toBe(1)
    expect(one?.extraWorkShare).toBeGreaterThan(0.5)
    expect(one?.bytesPerRequest).toBeGreaterThan(1_000_000)
    expect(broken).toBe(0)
  })

  test('the lane as witness answers everything too, and tells more of it', () => {
    const of = (policy: string) =>
      simulate('harsh', { ...QUIET, peers: 24, seed: 2, policy }).policies[policy]
    const [lane, few] = [of('direct'), of('any-order')]
    expect(lane?.answeredShare).toBe(1)
    expect(lane?.messagesPerRequest).toBeGreaterThan(few?.messagesPerRequest ?? 0)
  })

  test('an idle swarm sends presence and next to nothing else', () => {
    const { policies } = simulate('idle', { peers: 24, requests: 4, policy: 'any-order' })
    const one = policies['any-order']
    const presence = one?.controlBytesPerPeerSecond ?? 0
    expect(presence).toBeGreaterThan(100)
    expect(presence / (one?.bytesPerPeerSecond ?? 0)).toBeGreaterThan(0.8)
  })

  test('newcomers of a busy lane get work, and of the oracle nobody knows', () => {
    const of = (policy: string) =>
      simulate('harsh', { peers: 16, requests: 600, seed: 2, policy }).policies[policy]?.newcomers
    const ours = of('any-order')
    expect(ours?.stayed).toBeGreaterThan(0)
    expect(ours?.idleShare).toBeLessThan(0.5)
    // Connections are dialled and a layer is loaded first.
    expect(ours?.firstWorkP50Ms).toBeGreaterThan(460)
    expect(ours?.firstWorkP90Ms).toBeGreaterThanOrEqual(ours?.firstWorkP50Ms ?? 0)
    expect(of('oracle')).toBeNull()
  })

  test('newcomers of a swarm whose lanes are full get work soon, though some lane must be begun', {
    timeout: 120_000,
  }, () => {
    const { policies } = simulate('harsh', {
      peers: 50,
      requests: 600,
      seed: 2,
      policy: 'any-order',
    })
    const newcomers = policies['any-order']?.newcomers
    expect(newcomers?.stayed).toBeGreaterThan(5)
    expect(newcomers?.idleShare).toBe(0)
    expect(newcomers?.firstWorkP90Ms).toBeLessThan(8_000)
  })

  test('no policy is quicker than the oracle, which loses nothing on the way', () => {
    const { policies } = simulate('calm', { ...QUIET, peers: 24, policy: 'oracle' })
    const floor = policies.oracle
    const ours = simulate('calm', { ...QUIET, peers: 24, policy: 'any-order' })
    expect(floor?.answeredShare).toBe(1)
    expect(floor?.partialShare).toBe(0)
    expect(floor?.extraWorkShare).toBe(0)
    expect(floor?.p50Ms).toBeLessThan(ours.policies['any-order']?.p50Ms ?? 0)
    expect(floor?.hopsPerRequest).toBe(8)
  })

  test('a chain over blocks of neighbouring layers stops at fewer peers and is quicker', () => {
    const chain = (blocks: number) =>
      simulate('calm', {
        peers: 24,
        requests: 60,
        policy: 'fixed-order-replay',
        set: { 'requests.perMinute': 60, 'chain.blocks': blocks },
      }).policies['fixed-order-replay']
    const [scattered, blocks] = [chain(0), chain(1)]
    expect(blocks?.answeredShare).toBe(1)
    expect(blocks?.p50Ms).toBeLessThan(scattered?.p50Ms ?? 0)
    expect(blocks?.timeline[20]?.rarest).toBeGreaterThanOrEqual(4)
  })

  /** In calm and with a fifth of all providers ten times slower. */
  function slowedDown(layerMs: number, seed = 1) {
    const set = { ...QUIET.set, 'model.layerMs': layerMs }
    const of = (scenario: string) =>
      simulate(scenario, { ...QUIET, seed, set, policy: 'any-order' }).policies['any-order']
    return { calm: of('calm'), slowed: of('stragglers20') }
  }

  let slowdowns: readonly number[] | undefined
  /** How many times a calm lane's 95th percentile stragglers make it where a layer takes long, at most, in so many of five worlds. */
  function slowdownIn(worlds: number): number {
    slowdowns ??= [1, 2, 3, 4, 5]
      .map((seed) => slowedDown(94, seed))
      .map(({ calm, slowed }) => (slowed?.p95Ms ?? Number.NaN) / (calm?.p95Ms ?? Number.NaN))
      .toSorted((x, y) => x - y)
    return slowdowns[worlds - 1] ?? Number.NaN
  }

  test.each([
    ['on a small model', 0.9],
    ['where a layer takes long, as one of ViT-B does', 94],
  ])(
    'stragglers leave nothing unanswered and cost at most 0.1 more extra work: %s',
    (_, layerMs) => {
      const { calm, slowed } = slowedDown(layerMs)
      expect(slowed?.answeredShare).toBe(1)
      expect(slowed?.extraWorkShare).toBeLessThanOrEqual((calm?.extraWorkShare ?? 0) + 0.1)
    },
  )

  test('stragglers cost at most half as much time again on a small model', () => {
    const { calm, slowed } = slowedDown(0.9)
    expect(slowed?.p95Ms).toBeLessThanOrEqual(1.5 * (calm?.p95Ms ?? 0))
  })

  // One world's stragglers may be all that host some layer: what counts is the usual one.
  test('stragglers cost at most twice as much time where a layer takes long, in most of five worlds', () => {
    expect(slowdownIn(3)).toBeLessThanOrEqual(2)
  })

  // A known defect: nobody knows a straggler before it has run a visit, and that visit is waited for.
  // It goes red when that is mended.
  test.fails('stragglers cost at most half as much time again where a layer takes long, in four of five worlds', () => {
    expect(slowdownIn(4)).toBeLessThanOrEqual(1.5)
  })

  test('what one peer sends to be there stays flat in lanes while the swarm grows', () => {
    const { sizes, protocol } = simulate('lanes', { peers: 300, requests: 60 })
    expect(protocol).toBe("production's protocol")
    expect(sizes.map(({ peers }) => peers)).toEqual([100, 300])
    const rates = sizes.map(({ controlBytesPerPeerSecond }) => controlBytesPerPeerSecond)
    expect(Math.max(...rates) / Math.min(...rates)).toBeLessThan(1.35)
  })
})

describe('a report', () => {
  const report = simulate('tabs', { ...SMALL, seed: 9 })

  test('gets its accuracies from whoever can run the model', async () => {
    const asked = new Map<string, number>()
    const scored = await scoreReport(report, async (routes, policy) => {
      asked.set(policy, routes.length)
      return policy === 'small-model' ? null : 0.875
    })
    expect(scored.policies['any-order']?.accuracy).toBe(0.875)
    expect(scored.policies['small-model']?.accuracy).toBeNull()
    expect(asked.get('any-order')).toBe(report.policies['any-order']?.answered)
    const routes = report.policies['any-order']?.routes ?? []
    expect(routes[0]?.toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  })

  test('in Markdown has a row per policy and the line that repeats it', () => {
    const text = reportMarkdown(report)
    expect(text).toMatch(/^Protocol: production's protocol\.\n/)
    for (const name of USUAL_POLICIES) expect(text).toContain(`| ${name} |`)
    expect(text).toContain(report.replay)
    expect(text).toMatch(/\d+ checks, none broken/)
    expect(text).toContain('| policy | presence kB/s per peer | newcomers without work |')
  })

  test('shows every step of the filmed request, also of a peer that ran two in a row', () => {
    const frame = (atMs: number, peer: number, layer?: number) =>
      ({ atMs, peer, kind: 'step', hop: 0, layer, era: 0 }) as const
    const film = [frame(0, 0), frame(400, 3, 5), frame(401, 3, 6), frame(900, 4, 1)]
    const section = filmSection(film)
    const places = [...section.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [
      Number(x),
      Number(y),
    ])
    const [, one = [], two = []] = places
    expect(one[1]).toBe(two[1])
    expect((two[0] ?? 0) - (one[0] ?? 0)).toBeGreaterThanOrEqual(18)
  })

  test('in HTML stands alone and shows its plots', () => {
    const html = reportHtml(report)
    expect(html).toContain('<body><main>\n<p>Protocol: production')
    expect(html.match(/<svg/g)?.length).toBeGreaterThanOrEqual(7)
    for (const part of [
      'Requests answered within a time',
      'Coverage: hosts of the rarest layer',
      'Wasted compute',
      'Bytes per request',
      'Sent by the median peer',
      '<th>presence kB/s per peer</th>',
      'One request, message by message',
      report.replay,
    ])
      expect(html).toContain(part)
    expect(html).not.toContain('accuracy × completion')
    const one = report.policies['fixed-order']
    if (one === undefined) throw new Error('no chain')
    const scored = {
      ...report,
      policies: {
        ...report.policies,
        'fixed-order': { ...one, answeredShare: 0.5, accuracy: 0.5 },
      },
    }
    expect(reportHtml(scored)).toContain('>25 %</text>')
    expect(html).not.toMatch(/src=|href=|@import|url\(/)
    expect(html).not.toContain('NaN')
  })
})

describe('a sweep over churn', () => {
  const churn = simulateChurn({ ...SMALL, peers: 20, requests: 20, rates: [0.1, 0.39] })

  test('meets the same requests at every rate of leaving', () => {
    expect(churn.points.map(({ leavingPerMinute }) => leavingPerMinute)).toEqual([0.1, 0.39])
    const [calm, wild] = churn.points.map(({ report }) => report)
    expect(calm?.requests).toBe(wild?.requests)
    expect(calm?.settings['churn.scaleMs']).toBeCloseTo(569_473, -1)
    expect(calm?.traceHash).not.toBe(wild?.traceHash)
    expect(churn.replay).toBe(
      'npx layerswarm simulate churn --rates 10,39 --peers 20 --requests 20 --seed 4',
    )
  })

  test('multiplies accuracy and completion, and leaves out whom nobody can score', async () => {
    const scored = await scoreChurn(churn, async (_, policy) =>
      policy === 'small-model' ? null : 0.5,
    )
    const [first] = scored.points
    if (first === undefined) throw new Error('no point')
    const answered = first.report.policies['any-order']?.answeredShare ?? 0
    expect(completion(first, 'any-order')).toBeCloseTo(answered * 0.5, 9)
    expect(completion(first, 'small-model')).toBeUndefined()
    const page = reportHtml(first.report, scored)
    expect(page).toContain('Accuracy × completion against churn')
    expect(page).not.toContain('small model on one peer')
    expect(churnMarkdown(scored)).toContain('named with `--small DIR`')
  })

  test('without accuracies says only who answered', () => {
    const [first] = churn.points
    if (first === undefined) throw new Error('no point')
    expect(completion(first, 'small-model')).toBe(
      first.report.policies['small-model']?.answeredShare,
    )
    expect(churnPlot(churn)).toContain('Completion against churn')
    expect(standaloneSvg(churnPlot(churn))).toMatch(/^<svg xmlns="[^"]+" width="640".*<\/svg>$/)
  })
})

test('all policies are one run each, and their figures a row each in the CSV', () => {
  const report = simulate('calm', { peers: 6, requests: 3, seed: 2, policy: 'all' })
  expect(Object.keys(report.policies)).toEqual(POLICY_NAMES)
  expect(report.replay).toBe(
    'npx layerswarm simulate calm --peers 6 --requests 3 --seed 2 --policy all',
  )
  const alone = simulate('calm', { peers: 6, requests: 3, seed: 2, policy: 'gossip' })
  expect(report.policies.gossip).toEqual(alone.policies.gossip)
  const [head, ...rows] = reportCsv(report).trimEnd().split('\r\n')
  expect(rows.map((row) => row.split(',')[3])).toEqual(POLICY_NAMES)
  for (const row of rows) expect(row.split(',')).toHaveLength(head?.split(',').length ?? 0)
  const p50 = head?.split(',').indexOf('p50Ms') ?? -1
  expect(Number(rows[0]?.split(',')[p50])).toBe(report.policies['any-order']?.p50Ms)
})
