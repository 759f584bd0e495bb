import type { Manifest } from '@layerswarm/model'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../line/command.ts'
import { layerKindsOption } from '../line/layer-files-option.ts'
import { choice, optionalUrl, text, texts } from '../line/option.ts'

/** `layerswarm publish`. A trained model becomes a signed release. */
export const publish = defineCommand({
  name: 'publish',
  summary: 'turn a trained model into a signed release, in a folder or on a signaling server',
  begins: 'reading the model',
  usage: [
    'DIR --out RELEASE_DIR [--key FILE] [--name NAME] [--dtype float32|float16] [--layer-files int8,int4] [--rounds 4+4]… [--mixes-with RELEASE_DIR]… [--data DIR]',
    'DIR --to URL (--token T | --token-file FILE) [--out RELEASE_DIR] [--key FILE] [--name NAME] [--layer-files int8,int4] [--rounds 4+4]… [--mixes-with RELEASE_DIR]… [--data DIR]',
  ],
  positionals: { min: 1, max: 1, placeholder: 'one DIR' },
  options: {
    out: text(
      'DIR',
      'folder of the release: manifest.json, parts/, recipe.json, report.json; of DIR that is a release, a new one of its weights',
    ),
    to: optionalUrl('signaling server to upload to; a release without --out is uploaded as it is'),
    token: text('T', 'the upload token of that server; others of this machine may see it'),
    'token-file': text('FILE', 'a file of one line with that token'),
    key: text('FILE', 'publisher key, made when it is missing (.layerswarm/publisher.key)'),
    name: text('NAME', "the release's name (the recipe's)"),
    rounds: texts(
      '4+4',
      'a grouping of all layers whose accuracy is measured and signed; the first one also measures one layer after the other',
    ),
    'mixes-with': texts(
      'RELEASE_DIR',
      'a release of the same shape and classes: its layers mixed with those of this one are measured and signed',
    ),
    'layer-files': layerKindsOption(
      'smaller files of the layers beside their own, for slow connections and small devices: measured and signed',
    ),
    data: text(
      'DIR',
      'data set whose test images measure --rounds, --layer-files and --mixes-with, and from when on a picture is unlike all of them (Fashion-MNIST, for what was trained on it)',
    ),
    dtype: choice(['float32', 'float16'], 'how the parts store their values', 'float32'),
  },
  examples: [
    'publish runs/fashion-vit --out models/fashion-vit',
    'publish runs/fashion-vit --out models/fashion-vit --rounds 4+4 --rounds 8',
    'publish runs/fashion-vit --out models/fashion-vit --layer-files int8,int4',
    'publish runs/next --out models/next --mixes-with models/fashion-vit',
    'publish models/fashion-vit --out models/small --name small --layer-files int8',
    'publish models/fashion-vit --to http://127.0.0.1:9000 --token-file upload.token',
  ],
  async run({ positionals, values, signal, print, log, progress, emit }) {
    const { publishFolder } = await import('../release/publish-folder.ts')
    const { isToken, readTokenFile } = await import('../release/upload-release.ts')
    const { filesOf, keepsOrder, releaseId } = await import('@layerswarm/model')
    const { orderLine } = await import('../release/order-line.ts')
    const { out, to, token, 'token-file': tokenFile, key, name, dtype, rounds, data } = values
    const mixesWith = values['mixes-with']
    const layerFiles = values['layer-files']
    checkUse(values, isToken)
    const secret = tokenFile === undefined ? token : await readTokenFile(tokenFile)
    const target =
      to === undefined || secret === undefined ? undefined : { to, token: secret, signal, progress }
    const choices = {
      out,
      key,
      name,
      dtype,
      target,
      rounds,
      layerFiles,
      mixesWith,
      data,
      signal,
      log,
      progress,
    }
    const { manifest, uploaded } = await publishFolder(positionals[0] ?? '', choices)
    const release = releaseId(manifest)
    // Layers that share their weights share a file.
    const sizes = new Map(filesOf(manifest).map((file) => [file.sha256, file.bytes]))
    const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0)
    print(`${manifest.name} ${release}`)
    if (keepsOrder(manifest.spec)) print(orderLine(manifest))
    if (out !== undefined) print(`${sizes.size} files, ${bytes} bytes, in ${out}`)
    for (const line of layerFilesLines(manifest)) print(line)
    for (const [grouping, accuracy] of Object.entries(manifest.rounds ?? {})) {
      print(`${percent(accuracy)} in rounds of ${grouping}`)
    }
    const { novelty, mixes = [] } = manifest
    if (novelty === undefined) {
      print(
        'answers will not say what is unlike all training: publish the training with --data DIR to measure it',
      )
    } else {
      const share = (100 * novelty.falseAlarms).toFixed(0)
      print(
        `answers say what is unlike all training, of ${share} % of ${novelty.images} held-out pictures wrongly`,
      )
    }
    for (const { release: other, accuracy, own, other: theirs } of mixes) {
      const each = `${percent(own)} and ${percent(theirs)} each by itself`
      print(`${percent(accuracy)} mixed with ${other.slice(0, 12)}…, ${each}`)
    }
    if (uploaded !== undefined) {
      print(`${uploaded.parts} parts, ${uploaded.bytes} bytes, uploaded to ${to?.origin}`)
    }
    emit({
      release,
      name: manifest.name,
      publisher: manifest.publisher,
      parts: manifest.parts.length,
      bytes,
      keepsOrder: keepsOrder(manifest.spec),
      out,
      rounds: manifest.rounds,
      novelty,
      mixes: manifest.mixes,
      layerFiles: manifest.layerFiles,
      uploaded,
    })
  },
})

/** What smaller files of the layers save and cost. */
function layerFilesLines({ layerFiles = [] }: Manifest): string[] {
  return layerFiles.map(({ dtype, accuracy, own, files }) => {
    const largest = Math.max(...files.map(({ bytes }) => bytes))
    return `layers in ${dtype}: ${largest} bytes at most, ${percent(accuracy)} beside ${percent(own)} with their own files`
  })
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

interface Chosen {
  readonly to: URL | undefined
  readonly token: string | undefined
  readonly 'token-file': string | undefined
}

/** @throws CliError `bad-usage` for options that do not go together. */
function checkUse(
  { to, token, 'token-file': tokenFile }: Chosen,
  isToken: (text: string) => boolean,
): void {
  if (to === undefined && (token !== undefined || tokenFile !== undefined)) {
    throw usageError('a token is for an upload: name the signaling server with --to URL')
  }
  if (to !== undefined && (token === undefined) === (tokenFile === undefined)) {
    throw usageError('--to URL needs --token T or --token-file FILE, one of them')
  }
  if (token !== undefined && !isToken(token)) {
    throw usageError('--token takes 16 to 256 letters, digits or signs without spaces')
  }
}
