import { join } from 'node:path'
import { ModelError, readStoredTensors } from '@layerswarm/model'
import { type HuggingFaceFiles, type ImportedModel, importCheckpoint } from '@layerswarm/trainer'
import { CliError } from '../cli-error.ts'
import { exists, listFolder, readBounded, readJson } from '../files.ts'
import { CHECKPOINT_SHARDS_MAX, MODEL_BYTES_MAX } from '../limits.ts'
import { modelBelow } from './model-below.ts'

const WHOLE = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'
const SHARD = /^model-(\d{5})-of-(\d{5})\.safetensors$/

/**
 * Reads the model in a folder with a config.json: the weights in model.safetensors or in shards.
 * @param dropDistillation see `importCheckpoint`.
 * @throws CliError `not-found` or `bad-file`, naming all shards that are missing; ModelError naming
 * what is wrong with the model.
 */
export async function readCheckpointFolder(
  folder: string,
  dropDistillation: boolean,
): Promise<ImportedModel> {
  await requireConfig(folder)
  const processor = join(folder, 'preprocessor_config.json')
  const files: HuggingFaceFiles = {
    config: await readJson(join(folder, 'config.json')),
    checkpoint: await readWeights(folder),
    preprocessor: (await exists(processor)) ? await readJson(processor) : undefined,
  }
  return importCheckpoint(files, { dropDistillation })
}

/** A model of this project needs no config.json, and one of the Hub's cache lies further below. */
async function requireConfig(folder: string): Promise<void> {
  const path = join(folder, 'config.json')
  if (await exists(path)) return
  const below = await modelBelow(folder, ['config.json'])
  const isOwn = (await exists(join(folder, 'report.json'))) && below === undefined
  const hint = isOwn ? '; what lies there is a model of Layerswarm, which needs no import' : ''
  const place = below === undefined ? '' : `; a model lies in ${below}: name that folder`
  throw new CliError({ code: 'not-found', path }, `${path} does not exist${hint}${place}`)
}

async function readWeights(folder: string): Promise<Uint8Array[]> {
  const names = await listFolder(folder)
  const wanted = names.includes(WHOLE) ? [WHOLE] : await shardNames(folder, names)
  const missing = wanted.filter((name) => !names.includes(name))
  if (missing.length > 0) {
    throw new CliError(
      { code: 'not-found', path: join(folder, missing[0] ?? '') },
      `${folder} lacks ${missing.length} of the ${wanted.length} files of its weights: ${missing.join(', ')}`,
    )
  }
  const files: Uint8Array[] = []
  let bytes = 0
  for (const name of wanted) {
    const path = join(folder, name)
    const file = await readBounded(path, MODEL_BYTES_MAX - bytes)
    bytes += file.length
    checkHeader(path, file)
    files.push(file)
  }
  return files
}

/** The path stands before what is wrong: one of several files may be cut off. */
function checkHeader(path: string, file: Uint8Array): void {
  try {
    readStoredTensors(file)
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    throw new ModelError(error.fault, `${path}: ${error.message.replace('safetensors file: ', '')}`)
  }
}

/** The shards by the index beside them, else by their names, which say how many there are. */
async function shardNames(folder: string, names: readonly string[]): Promise<string[]> {
  if (names.includes(INDEX)) return indexedShards(join(folder, INDEX))
  const found = names.map((name) => SHARD.exec(name)?.[2]).find((count) => count !== undefined)
  if (found === undefined) return refuseOthers(folder, names)
  const count = Math.min(Number(found), CHECKPOINT_SHARDS_MAX)
  return Array.from(
    { length: count },
    (_, at) => `model-${String(at + 1).padStart(5, '0')}-of-${found}.safetensors`,
  )
}

async function indexedShards(path: string): Promise<string[]> {
  const index = await readJson(path)
  const map: unknown = typeof index === 'object' && index !== null ? Object(index).weight_map : 0
  const files = typeof map === 'object' && map !== null ? new Set<unknown>(Object.values(map)) : []
  const names = [...files].filter(
    (name): name is string => typeof name === 'string' && /^[\w.-]+\.safetensors$/.test(name),
  )
  if (names.length === 0 || names.length !== new Set(files).size) {
    throw new CliError(
      { code: 'bad-file', path },
      `${path} has no "weight_map" from tensors to safetensors files beside it`,
    )
  }
  if (names.length > CHECKPOINT_SHARDS_MAX) {
    throw new CliError(
      { code: 'bad-file', path },
      `${path} names ${names.length} files; at most ${CHECKPOINT_SHARDS_MAX} are read`,
    )
  }
  return names.toSorted()
}

/** What else weights come as, and what is to be done then; the first that is found is named. */
const OTHERS: readonly (readonly [name: RegExp, advice: string])[] = [
  [/^adapter_model\.safetensors$/, 'an adapter (LoRA) is no model; merge it into its model first'],
  [/\.safetensors$/, `that is not the name of a whole model; rename it to ${WHOLE} if it is one`],
  [
    /\.(bin|pt|pth|ckpt)(\.index\.json)?$/,
    'weights of PyTorch are pickles, which could run code; save them as safetensors',
  ],
  [
    /\.(npz|npy|h5|keras|pb|msgpack|ot|onnx|gguf|tflite)$/,
    'weights are read from safetensors only; save them so, with transformers or timm',
  ],
  [/\.(zip|7z|tar|tgz|gz|bz2|xz|zst)$/, `an archive is not opened; unpack ${WHOLE} from it first`],
]

function refuseOthers(folder: string, names: readonly string[]): never {
  for (const [pattern, advice] of OTHERS) {
    const name = names.find((one) => pattern.test(one))
    if (name === undefined) continue
    throw new CliError({ code: 'bad-file', path: folder }, `${join(folder, name)}: ${advice}`)
  }
  const path = join(folder, WHOLE)
  throw new CliError({ code: 'not-found', path }, `${path} does not exist`)
}
