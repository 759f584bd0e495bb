import { readdir, stat } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { TrainerError } from '../errors.ts'
import { FOLDER_CLASSES_MAX, SPLIT_SEED, TEST_EVERY_PICTURES } from '../limits.ts'
import { createRandom } from '../random.ts'
import { failData } from './data-file.ts'

/** A picture of a class that is yet to be decoded. */
export interface PictureFile {
  readonly path: string
  readonly label: number
}

/** The pictures of a folder, before any of them is opened. */
export interface PictureList {
  readonly train: readonly PictureFile[]
  readonly test: readonly PictureFile[]
  readonly labels: readonly string[]
  /** What is wrong and left out, a line each. */
  readonly faults: readonly string[]
  /** What is left out though nothing is wrong with it, a line each. */
  readonly notes: readonly string[]
}

/** Files that are tried; whether they can be read is for the decoder to say. */
const PICTURE = /\.(png|jpe?g|jfif|webp|avif|gif)$/i
/** Pictures that no decoder here reads. */
const OTHER_PICTURE = /\.(heic|heif|tiff?|bmp|svg|jp2|jxl|ico|psd|tga|p[bgp]m|dng|cr2|nef|arw)$/i
/** What systems put beside pictures: macOS, Windows, Synology, a repaired disk. */
const JUNK = /^(\.|__MACOSX$|thumbs\.db$|desktop\.ini$|@eaDir$|\$RECYCLE\.BIN$|lost\+found$)/i

const TRAIN = /^train(ing)?$/i
const TEST = /^test(ing)?$/i
const VALIDATION = /^val(id|idation)?$/i

/** Whether a name is that of a part of a data set, and not of a class. */
export function isSplitName(name: string): boolean {
  return [TRAIN, TEST, VALIDATION].some((pattern) => pattern.test(name))
}

/** What lies in a folder, links followed, without what systems put there. */
export interface FolderNames {
  readonly folders: readonly string[]
  readonly files: readonly string[]
  /** Links to nothing. */
  readonly broken: readonly string[]
}

/** Names in their order; all empty where the folder is not there. */
export async function namesIn(folder: string): Promise<FolderNames> {
  const [folders, files, broken]: [string[], string[], string[]] = [[], [], []]
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    const { name } = entry
    if (JUNK.test(name)) continue
    const found = entry.isSymbolicLink()
      ? await stat(join(folder, name)).catch(() => undefined)
      : entry
    if (found === undefined) broken.push(name)
    else if (found.isDirectory()) folders.push(name)
    else if (found.isFile()) files.push(name)
  }
  return { folders: folders.toSorted(), files: files.toSorted(), broken: broken.toSorted() }
}

/** Whether a file is a picture by its name, of a type that is read or not. */
export function isPictureName(name: string): boolean {
  return PICTURE.test(name) || OTHER_PICTURE.test(name)
}

/**
 * The pictures of a folder: DIR/class/*, or DIR/train/class/* with DIR/test or DIR/val beside it
 * (also training, testing, valid, validation, in any case). What has no test pictures of its own
 * gives up a share of every class, drawn by a seed that is always the same, so that whoever reads
 * the folder again keeps the same ones from training. Classes are numbered in the order of their names.
 * @throws TrainerError `missing-data` or `bad-data`, naming the folder.
 */
export async function listPictures(folder: string): Promise<PictureList> {
  const places = await splitsOf(folder)
  const [faults, notes] = [[...places.faults], [...places.notes]]
  const trained = await classesIn(places.train, faults)
  const labels = trained.map(({ name }) => name)
  if (labels.length < 2) failFew(places.train, labels, faults)
  if (labels.length > FOLDER_CLASSES_MAX) {
    failData(
      places.train,
      `it has ${labels.length} class folders; at most ${FOLDER_CLASSES_MAX} can be read`,
    )
  }
  const all = filesOf(trained, labels)
  if (places.test === undefined) {
    const isTest = drawTests(all)
    const test = all.filter((_, index) => isTest.has(index))
    if (test.length === 0) {
      failData(folder, `${all.length} pictures are too few to keep some for testing`)
    }
    return { train: all.filter((_, index) => !isTest.has(index)), test, labels, faults, notes }
  }
  const tested = await classesIn(places.test, faults)
  for (const { name, files } of tested) {
    if (labels.includes(name)) continue
    faults.push(
      `${join(places.test, name)}: there are no training pictures of this class; ${counted(files.length, 'picture')} left out`,
    )
  }
  for (const name of labels) {
    if (!tested.some((one) => one.name === name)) {
      faults.push(`${places.test}: there are no pictures of the class ${name}`)
    }
  }
  const test = filesOf(tested, labels)
  if (test.length === 0) failData(places.test, 'no picture of a class that is trained is in it')
  return { train: all, test, labels, faults, notes }
}

interface Splits {
  readonly train: string
  readonly test: string | undefined
  readonly faults: readonly string[]
  readonly notes: readonly string[]
}

/** A folder "train" among classes is one of them, unless it holds class folders itself. */
async function splitsOf(folder: string): Promise<Splits> {
  const { folders } = await namesIn(folder)
  const whole = { train: folder, test: undefined, faults: [], notes: [] }
  const train = folders.find((name) => TRAIN.test(name))
  const isSplit = folders.length > 0 && folders.every(isSplitName)
  if (train === undefined) {
    if (isSplit) failData(folder, `it holds ${folders.join(' and ')} but no folder "train"`)
    return whole
  }
  const inside = await namesIn(join(folder, train))
  if (inside.folders.length === 0) {
    if (!isSplit) return whole
    failFlat(join(folder, train), inside.files)
  }
  const notes: string[] = []
  let test: string | undefined
  for (const name of [TEST, VALIDATION].flatMap((one) => folders.filter((it) => one.test(it)))) {
    const { folders: classes } = await namesIn(join(folder, name))
    if (classes.length === 0) {
      notes.push(`${join(folder, name)} is left out: it has no class folders`)
    } else if (test === undefined) test = join(folder, name)
    else notes.push(`${join(folder, name)} is left out: ${test} is what is measured on`)
  }
  const faults = folders
    .filter((name) => !isSplitName(name))
    .map((name) => `${join(folder, name)} is neither train, test nor val`)
  return { train: join(folder, train), test, faults, notes }
}

interface ClassFolder {
  readonly name: string
  /** Paths of pictures that are tried. */
  readonly files: readonly string[]
}

/** The class folders that have pictures; what they hold besides is a fault. */
async function classesIn(folder: string, faults: string[]): Promise<ClassFolder[]> {
  const classes: ClassFolder[] = []
  const { folders, broken: lost } = await namesIn(folder)
  faults.push(...lost.map((link) => `${join(folder, link)} is a link to nothing`))
  for (const name of folders) {
    const place = join(folder, name)
    const { files, folders: below, broken } = await namesIn(place)
    const own = files.filter((file) => PICTURE.test(file))
    const others = files.filter((file) => OTHER_PICTURE.test(file))
    faults.push(...broken.map((link) => `${join(place, link)} is a link to nothing`))
    if (others.length > 0) {
      faults.push(`${place}: ${countByType(others)} cannot be read; save them as PNG or JPEG`)
    }
    if (below.length > 0) faults.push(`${place}: ${counted(below.length, 'folder')} in it not read`)
    if (own.length === 0) {
      if (others.length === 0) faults.push(`${place}: no picture that can be read is in it`)
    } else {
      classes.push({ name, files: own.map((file) => join(place, file)) })
    }
  }
  return classes
}

/** As "1 folder" or "2 folders". */
function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** As "2 .heic and 1 .bmp". */
function countByType(files: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const file of files) {
    const type = extname(file).toLowerCase()
    counts.set(type, (counts.get(type) ?? 0) + 1)
  }
  return [...counts].map(([type, count]) => `${count} ${type}`).join(' and ')
}

function filesOf(classes: readonly ClassFolder[], labels: readonly string[]): PictureFile[] {
  const numbers = new Map(labels.map((name, label) => [name, label]))
  return classes.flatMap(({ name, files }) => {
    const label = numbers.get(name)
    return label === undefined ? [] : files.map((path) => ({ path, label }))
  })
}

/** A tenth of the pictures of every class, one at least where there are two. */
function drawTests(files: readonly PictureFile[]): ReadonlySet<number> {
  const random = createRandom(SPLIT_SEED, 'test pictures')
  const byLabel = new Map<number, number[]>()
  for (const [index, { label }] of files.entries()) {
    const own = byLabel.get(label)
    if (own === undefined) byLabel.set(label, [index])
    else own.push(index)
  }
  return new Set(
    [...byLabel.values()].flatMap((own) => {
      const count = own.length < 2 ? 0 : Math.max(1, Math.round(own.length / TEST_EVERY_PICTURES))
      return [...random.permutation(own.length).subarray(0, count)].map((at) => own[at] ?? 0)
    }),
  )
}

function failFew(folder: string, labels: readonly string[], faults: readonly string[]): never {
  const only = labels.length === 0 ? '' : `, ${labels.join()}`
  const why = faults.length === 0 ? '' : ` (${faults.join('; ')})`
  throw new TrainerError(
    { code: 'missing-data', file: folder },
    `${folder} holds ${counted(labels.length, 'class folder')} with pictures${only}; two classes at least are needed, as ${join(folder, 'cat', '1.png')}${why}`,
  )
}

/** @throws TrainerError `bad-data`, for pictures whose classes nothing tells. */
export function failFlat(folder: string, files: readonly string[]): never {
  const pictures = files.filter(isPictureName)
  const [first = 'cat.1.jpg'] = pictures
  const word = /^\p{L}+/u.exec(basename(first))?.[0] ?? 'cat'
  return failData(
    folder,
    `it holds ${counted(pictures.length, 'picture')} and no class folders; put those of a class into a folder of its name, as ${join(folder, word, first)}`,
  )
}
