import { manifestBytes, releaseId } from '@layerswarm/model'
import { parsePageOptions } from '../../../apps/web/src/logic/page-options.ts'
import { parseRules } from '../../../apps/web/src/logic/pause-rules.ts'
import { parseRecord } from '../../../apps/web/src/logic/record.ts'
import { parseSamples } from '../../../apps/web/src/logic/sample-set.ts'
import { fetchOffer } from '../../../apps/web/src/release.ts'
import { parseSwarm } from '../../../apps/web/src/swarm-watch.ts'
import { scenarioNamed, scenarioSettings } from '../../../packages/lab/src/scenarios/scenarios.ts'
import { changeSettings } from '../../../packages/lab/src/scenarios/settings.ts'
import {
  decode,
  encode,
  jsonOf,
  parsed,
  REFUSED,
  refusing,
  refusingLater,
  type Target,
} from '../target.ts'
import { tinyManifest } from './model.ts'
import { BOOTSTRAP } from './peer.ts'

const web = (name: string) => `apps/web/src/${name}`

export const OTHER_TARGETS: readonly Target[] = [
  {
    name: 'web/page-options',
    covers: [web('logic/page-options.ts#parsePageOptions'), web('logic/lab-run.ts#parseLabRun')],
    kind: 'text',
    seeds: () =>
      [
        '?engine=ort-wasm&layers=2,5&capacity=3&autojoin=1&join=https://s.test/a/',
        '?layers=none&engine=auto&autojoin=0',
        '?simulate=harsh,20,30,1',
      ].map(encode),
    run(input) {
      const { options, complaints } = parsePageOptions(decode(input))
      if (complaints.some((line) => line.length > 200))
        throw new Error('a complaint without an end')
      return options
    },
  },
  {
    name: 'web/samples',
    covers: [web('logic/sample-set.ts#parseSamples')],
    kind: 'bytes',
    seeds: () => [
      Uint8Array.of(20, 0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4),
      Uint8Array.of(
        ...[20, 0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4],
        ...[0, 0, 8, 1, 0, 0, 0, 1, 5],
      ),
    ],
    run(input) {
      const [size = 0] = input
      const [images, labels] = [input.subarray(1, 1 + size), input.subarray(1 + size)]
      // "@throws Error with one line for people, ModelError."
      const documented = { ModelError: ['bad-idx'], Error: [''] }
      const set = refusing(documented, () => parseSamples(images, labels))
      if (set === REFUSED) return REFUSED
      for (let index = 0; index < Math.min(set.count, 3); index++) {
        const pixels = set.gray(index).length
        if (pixels !== set.width * set.height) throw new Error('an image that is cut off')
        set.classOf(index)
      }
      return { ...set }
    },
  },
  {
    name: 'web/volunteer',
    covers: [web('logic/record.ts#parseRecord'), web('logic/pause-rules.ts#parseRules')],
    kind: 'json',
    seeds: () => [
      jsonOf({
        images: 3,
        layerRuns: 20,
        bytes: 4_096,
        ms: 60_000,
        days: 2,
        lastDay: '2026-01-31',
      }),
      jsonOf({
        battery: true,
        metered: false,
        hidden: true,
        wake: false,
        hours: { from: 60, to: 5 },
      }),
    ],
    run(input) {
      const text = decode(input)
      const [record, rules] = [parseRecord(text), parseRules(text)]
      for (const total of [record.images, record.layerRuns, record.bytes, record.ms, record.days])
        if (!(total >= 0 && total < Number.POSITIVE_INFINITY)) throw new Error('no total')
      return { record, rules }
    },
  },
  {
    name: 'web/swarm',
    covers: [web('swarm-watch.ts#parseSwarm')],
    kind: 'json',
    seeds: () => [
      jsonOf({
        releases: [
          {
            hosts: [2, 1],
            providers: 2,
            peers: [{ id: 'a', backend: 'ort-wasm', layers: [0, 1] }],
          },
        ],
      }),
    ],
    run(input) {
      const seen = parseSwarm(parsed(input))
      if (seen === undefined) return REFUSED
      for (const count of [...seen.coverage, ...seen.peers.flatMap(({ layers }) => layers)])
        if (!Number.isFinite(count)) throw new Error('a count that is none')
      return { ...seen }
    },
  },
  {
    name: 'web/offer',
    covers: [web('release.ts#fetchOffer')],
    kind: 'json',
    share: 0.004,
    seeds: () => [
      jsonOf({
        ...{ ...BOOTSTRAP, invite: 'https://swarm.test/' },
        releases: [{ id: releaseId(tinyManifest()) }],
      }),
    ],
    async run(input) {
      const { fetch } = globalThis
      const manifest = manifestBytes(tinyManifest())
      globalThis.fetch = async (url) =>
        new Response(new Uint8Array(String(url).endsWith('bootstrap.json') ? input : manifest))
      try {
        const documented = { Error: [''], ModelError: ['bad-manifest', 'bad-spec'] }
        return await refusingLater(documented, () => fetchOffer(new URL('http://swarm.test/')))
      } finally {
        globalThis.fetch = fetch
      }
    },
  },
  {
    name: 'lab/settings',
    covers: ['packages/lab/src/scenarios/settings.ts#changeSettings'],
    kind: 'json',
    share: 0.5,
    seeds: () => [
      jsonOf({ 'links.loss': '0.05', 'attack.kind': '3' }),
      jsonOf({ 'peers.slots': 1 }),
    ],
    run(input) {
      const value = parsed(input)
      if (typeof value !== 'object' || value === null) return REFUSED
      // As the command hands them over: texts, or numbers of a world that was drawn.
      const changes = Object.fromEntries(
        Object.entries(value).filter(
          ([, one]) => typeof one === 'string' || typeof one === 'number',
        ),
      )
      const settings = scenarioSettings('calm')
      return refusing({ SwarmError: ['bad-request'] }, () => changeSettings(settings, changes))
    },
  },
  {
    name: 'lab/scenario',
    covers: ['packages/lab/src/scenarios/scenarios.ts#scenarioNamed'],
    kind: 'text',
    seeds: () => ['calm', 'harsh'].map(encode),
    run: (input) => refusing({ SwarmError: ['bad-request'] }, () => scenarioNamed(decode(input))),
  },
]
