import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { manifestBytes, sha256 } from '@layerswarm/model'
import { parseOrder, parseReport } from '../../../apps/cli/src/bench/lagged-orders.ts'
import { parseJson, readJson } from '../../../apps/cli/src/files.ts'
import { readImages } from '../../../apps/cli/src/images/image-file.ts'
import { readPicture, readPixels } from '../../../apps/cli/src/images/picture.ts'
import { parseSamples } from '../../../apps/cli/src/images/samples.ts'
import { defineCommand, NO_POSITIONALS } from '../../../apps/cli/src/line/command.ts'
import { HOSTING_OPTIONS, readHosting } from '../../../apps/cli/src/line/hosting-options.ts'
import {
  bare,
  choice,
  count,
  layerList,
  parseChoice,
  parseLayers,
  swarmUrls,
} from '../../../apps/cli/src/line/option.ts'
import { parseLine } from '../../../apps/cli/src/line/parse-line.ts'
import { readCheckpointFolder } from '../../../apps/cli/src/release/checkpoint-folder.ts'
import {
  readReleaseSource,
  readTrainingSource,
} from '../../../apps/cli/src/release/publish-source.ts'
import { readOrCreateKey } from '../../../apps/cli/src/release/publisher-key.ts'
import {
  readManifest,
  readModelFolder,
  readStartFolder,
} from '../../../apps/cli/src/release/release-folder.ts'
import {
  readCpuSeconds,
  readTrainingFolder,
} from '../../../apps/cli/src/release/training-folder.ts'
import { readTokenFile, uploadRelease } from '../../../apps/cli/src/release/upload-release.ts'
import { readReceipt } from '../../../apps/cli/src/swarm/receipt-replay.ts'
import {
  decode,
  encode,
  jsonOf,
  parsed,
  REFUSED,
  refusing,
  refusingLater,
  same,
  type Target,
} from '../target.ts'
import { answering, scratch, written } from './files.ts'
import { TINY_PREPROCESSING, TINY_SPEC, tinyCheckpoint, tinyManifest } from './model.ts'

const file = (name: string) => `apps/cli/src/${name}`
const BAD_FILE = { CliError: ['bad-file'] }
const USAGE = { CliError: ['bad-usage'], PeerError: ['bad-join-url'] }
const IDX = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4)
const LABELS = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 5)

/** A command with a flag of every kind. */
const COMMAND = defineCommand({
  name: 'try',
  summary: 'every kind of flag',
  begins: 'beginning',
  usage: [''],
  examples: [],
  positionals: NO_POSITIONALS,
  options: {
    ...HOSTING_OPTIONS,
    join: swarmUrls(),
    layers: layerList('layers'),
    slots: count('slots', { low: 0, high: 9, otherwise: 1 }),
    policy: choice(['direct', 'gossip'], 'policy', 'direct'),
    quiet: bare('quiet'),
  },
  run: async () => undefined,
})

export const CLI_TARGETS: readonly Target[] = [
  {
    name: 'cli/line',
    covers: [file('line/parse-line.ts#parseLine'), file('line/hosting-options.ts#readHosting')],
    kind: 'text',
    share: 0.2,
    seeds: () =>
      [
        '--join\nhttp://127.0.0.1:9000\n--layers=2,0,1\n--slots\n3\n--quiet',
        '--join=https://a.test/b/\n--policy\ngossip\n--announce\n/dns4/a.test/tcp/1\n--ice-server\nstun:a:1',
        '--join=http://a\n--cert=a.pem\n--key=b.pem\n--peer-with=https://b.test/\n--port=80\n--json',
      ].map(encode),
    run: (input) =>
      refusing(USAGE, () => {
        const line = parseLine(COMMAND, decode(input).split('\n'))
        return line.help ? line : readHosting(line.values as never)
      }),
  },
  {
    name: 'cli/words',
    covers: [file('line/option.ts#parseLayers'), file('line/option.ts#parseChoice')],
    kind: 'text',
    seeds: () => ['2,0,1', 'gossip', ''].map(encode),
    run(input) {
      const text = decode(input)
      refusing(USAGE, () => parseChoice(text, ['direct', 'gossip'], '--policy'))
      const layers = refusing(USAGE, () => parseLayers(text, '--layers'))
      if (layers !== REFUSED) same(parseLayers(layers.join(), ''), layers, 'is read differently')
      return layers
    },
  },
  {
    name: 'cli/process-messages',
    covers: [file('bench/lagged-orders.ts#parseOrder'), file('bench/lagged-orders.ts#parseReport')],
    kind: 'json',
    seeds: () => [jsonOf({ lagMs: 3 }), jsonOf({ sentBytes: 1, complete: 2 })],
    run(input) {
      const value = parsed(input)
      return [parseOrder(value), parseReport(value)]
    },
  },
  {
    name: 'cli/samples',
    covers: [file('images/samples.ts#parseSamples')],
    kind: 'bytes',
    seeds: () => [Uint8Array.of(IDX.length, ...IDX, ...LABELS)],
    run(input) {
      const [size = 0] = input
      const [images, labels] = [input.subarray(1, 1 + size), input.subarray(1 + size)]
      return refusing({ ...BAD_FILE, ModelError: ['bad-idx'] }, () =>
        parseSamples(images, labels, 'samples'),
      )
    },
  },
  {
    name: 'cli/json-file',
    covers: [file('files.ts#parseJson'), file('files.ts#readJson')],
    kind: 'bytes',
    share: 0.004,
    seeds: () => [jsonOf({ a: 1 }), encode('{"a":')],
    run(input) {
      const value = refusing(BAD_FILE, () => [parseJson('a.json', input)])
      return value === REFUSED
        ? refusingLater(BAD_FILE, () => readJson(written('a.json', input)))
        : value
    },
  },
  {
    name: 'cli/images',
    covers: [file('images/image-file.ts#readImages')],
    kind: 'json',
    share: 0.004,
    seeds: () => [
      jsonOf({ shape: [1, 1, 1, 2], data: [0, 1] }),
      jsonOf({ images: { shape: [], data: [1] } }),
    ],
    run: (input) =>
      refusingLater({ ...BAD_FILE, ModelError: ['bad-shape'] }, () =>
        readImages(written('images.json', input)),
      ),
  },
  {
    name: 'cli/picture',
    covers: [file('images/picture.ts#readPicture'), file('images/picture.ts#readPixels')],
    kind: 'bytes',
    share: 0.001,
    // A picture may have many pixels in few bytes: as many as PICTURE_PIXELS_MAX, a second or two of a processor.
    msMax: 60_000,
    besideBytes: 64 * 2 ** 20,
    seeds: () => [
      Buffer.from(
        'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
        'base64',
      ),
    ],
    async run(input) {
      const path = written('picture.png', input)
      const documented = { CliError: ['bad-picture', 'bad-file'] }
      await refusingLater(documented, () => readPixels(path, undefined))
      return refusingLater(documented, () => readPicture(path, TINY_PREPROCESSING))
    },
  },
  {
    name: 'cli/training-report',
    covers: [
      file('release/training-folder.ts#readTrainingFolder'),
      file('release/training-folder.ts#readCpuSeconds'),
      file('release/release-folder.ts#readModelFolder'),
      file('release/publish-source.ts#readTrainingSource'),
    ],
    kind: 'json',
    share: 0.002,
    seeds: () => [
      jsonOf({
        ...{ name: 'tiny', spec: TINY_SPEC, preprocessing: { mean: 0.5, std: [0.5] } },
        ...{ dataset: { labels: ['a', 'b'] }, seed: 1, imagesSeen: 10, cpuSeconds: 1 },
        modelHash: sha256(tinyCheckpoint()),
      }),
    ],
    async run(input) {
      const folder = join(scratch(), 'training')
      mkdirSync(folder, { recursive: true })
      written('training/model.safetensors', tinyCheckpoint())
      written('training/recipe.json', '{}')
      const path = written('training/report.json', input)
      const documented = { ...BAD_FILE, ModelError: ['bad-spec', 'bad-manifest', ...FILE_FAULTS] }
      await refusingLater(documented, () => readCpuSeconds(path, sha256(input)))
      await refusingLater(documented, () => readModelFolder(folder))
      await refusingLater({ ...documented, CliError: ['bad-file', 'refused'] }, () =>
        readTrainingSource(folder, 'float16'),
      )
      return refusingLater(documented, () => readTrainingFolder(folder))
    },
  },
  {
    name: 'cli/checkpoint-folder',
    covers: [
      file('release/checkpoint-folder.ts#readCheckpointFolder'),
      file('release/release-folder.ts#readStartFolder'),
    ],
    kind: 'json',
    share: 0.002,
    seeds: () => [
      jsonOf({ weight_map: { a: 'part.safetensors', b: 'part.safetensors' } }),
      jsonOf({ model_type: 'vit', id2label: { 0: 'a', 1: 'b' } }),
    ],
    async run(input) {
      const folder = join(scratch(), 'checkpoint')
      mkdirSync(folder, { recursive: true })
      written('checkpoint/config.json', input)
      written('checkpoint/part.safetensors', tinyCheckpoint())
      written('checkpoint/model.safetensors.index.json', input)
      const codes = ['bad-spec', 'bad-manifest', ...FILE_FAULTS]
      const documented = { ModelError: codes, CliError: ['bad-file', 'not-found'] }
      await refusingLater(documented, () => readCheckpointFolder(folder, true))
      return refusingLater(documented, () => readStartFolder(folder))
    },
  },
  {
    name: 'cli/release-folder',
    covers: [
      file('release/release-folder.ts#readManifest'),
      file('release/release-folder.ts#readPart'),
      file('release/publish-source.ts#readReleaseSource'),
    ],
    kind: 'json',
    share: 0.002,
    seeds: () => [manifestBytes(tinyManifest())],
    async run(input) {
      const folder = join(scratch(), 'release')
      mkdirSync(folder, { recursive: true })
      written('release/manifest.json', input)
      written('release/recipe.json', '{}')
      written('release/report.json', '{}')
      const codes = ['bad-manifest', 'bad-spec', 'bad-signature']
      const documented = {
        ModelError: [...codes, 'wrong-hash', ...FILE_FAULTS],
        CliError: ['bad-file', 'not-found'],
      }
      await refusingLater(documented, () => readReleaseSource(folder, 'float16'))
      return refusingLater({ ModelError: codes, CliError: ['bad-file'] }, () =>
        readManifest(folder),
      )
    },
  },
  {
    name: 'cli/receipt',
    covers: [file('swarm/receipt-replay.ts#readReceipt')],
    kind: 'json',
    share: 0.004,
    seeds: () => [jsonOf({ format: 'layerswarm-receipt/1' })],
    run: (input) =>
      refusingLater({ ...BAD_FILE, ModelError: ['bad-receipt', 'wrong-hash'] }, () =>
        readReceipt(written('receipt.json', input)),
      ),
  },
  {
    name: 'cli/secrets',
    covers: [
      file('release/upload-release.ts#readTokenFile'),
      file('release/publisher-key.ts#readOrCreateKey'),
    ],
    kind: 'text',
    share: 0.004,
    seeds: () => [`${'ab'.repeat(32)}\n`, 'abcdefghijklmnop'].map(encode),
    async run(input) {
      const path = written('secret.txt', input)
      await refusingLater(BAD_FILE, () => readOrCreateKey(path))
      return refusingLater(BAD_FILE, () => readTokenFile(path))
    },
  },
  {
    name: 'cli/upload-answer',
    covers: [file('release/upload-release.ts#uploadRelease')],
    kind: 'json',
    share: 0.004,
    seeds: () => [jsonOf({ missing: [] }), jsonOf({ missing: ['ab'.repeat(32)] })],
    run(input) {
      const release = { manifest: tinyManifest(), file: async () => new Uint8Array(8) }
      const to = new URL('http://swarm.test/')
      const target = { to, token: 't', signal: new AbortController().signal, progress() {} }
      return answering(input, {}, () =>
        refusingLater({ CliError: ['refused'] }, () => uploadRelease(release, target)),
      )
    },
  },
]

const FILE_FAULTS = ['bad-safetensors', 'missing-tensor', 'extra-tensor', 'bad-shape']
