import { join } from 'node:path'
import { defineCommand } from '../command.ts'
import { choice, requiredText, text } from '../option.ts'

export const publish = defineCommand({
  name: 'publish',
  summary: 'turn a trained model into a signed release',
  usage: ['DIR --out RELEASE_DIR [--key FILE] [--name NAME] [--dtype float32|float16]'],
  positionals: { min: 1, max: 1, placeholder: 'one DIR' },
  options: {
    out: requiredText(
      'DIR',
      'folder of the release: manifest.json, parts/, recipe.json, report.json',
    ),
    key: text('FILE', 'publisher key, made when it is missing (.layerswarm/publisher.key)'),
    name: text('NAME', "the release's name (the recipe's)"),
    dtype: choice(['float32', 'float16'], 'how the parts store their values', 'float32'),
  },
  examples: ['publish runs/fashion-vit --out models/fashion-vit'],
  async run({ positionals, values, print, log, emit }) {
    const { readTrainingFolder } = await import('../training-folder.ts')
    const { readOrCreateKey } = await import('../publisher-key.ts')
    const { writeRelease } = await import('../write-release.ts')
    const { releaseId } = await import('@layerswarm/model')
    const training = await readTrainingFolder(positionals[0] ?? '')
    const keyFile = values.key ?? join('.layerswarm', 'publisher.key')
    const { key, created } = await readOrCreateKey(keyFile)
    if (created) log(`made a publisher key in ${keyFile}; keep it to publish under the same name`)
    const manifest = await writeRelease(training, values.out, {
      name: values.name ?? training.name,
      dtype: values.dtype,
      key,
      createdAt: new Date(),
    })
    const release = releaseId(manifest)
    const bytes = manifest.parts.reduce((sum, part) => sum + part.bytes, 0)
    print(`${manifest.name} ${release}`)
    print(`${manifest.parts.length} parts, ${bytes} bytes, in ${values.out}`)
    emit({
      release,
      name: manifest.name,
      publisher: manifest.publisher,
      parts: manifest.parts.length,
      bytes,
      out: values.out,
    })
  },
})
