import { extname, join } from 'node:path'
import { labelFault } from '@layerswarm/model'
import { TrainerError } from '../errors.ts'
import { FOLDER_CLASSES_MAX, SPLIT_SEED, TEST_EVERY_PICTURES } from '../limits.ts'
import { createRandom } from '../random.ts'
import { failData } from './data-file.ts'
import { counted, listedFaults } from './faults.ts'
import { type FolderNames, namesIn, splitOf } from './folder-names.ts'
import { isPictureName, sortedFiles } from './picture-type.ts'
import { namesTold, refuseFolder, unreadAmong } from './unread-folder.ts'

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
  for (const label of labels) {
    const fault = labelFault(label)
    if (fault !== undefined)
      failData(join(places.train, label), `the name of this class ${fault}; rename its folder`)
  }
  if (labels.length < 2) await failFew(places.train, labels, faults)
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
  const { folders, files } = await namesIn(folder)
  const whole = { train: folder, test: undefined, faults: [], notes: [] }
  const [train, ...otherTrains] = folders.filter((name) => splitOf(name) === 'train')
  const isSplit = folders.length > 0 && folders.every((name) => splitOf(name) !== undefined)
  if (train === undefined) {
    if (isSplit) failData(folder, `it holds ${folders.join(' and ')} but no folder "train"`)
    return whole
  }
  const inside = await namesIn(join(folder, train))
  if (inside.folders.length === 0) {
    if (!isSplit) return whole
    refuseFolder(join(folder, train), inside)
  }
  const notes: string[] = []
  let test: string | undefined
  const held = (['test', 'validation'] as const).flatMap((kind) =>
    folders.filter((name) => splitOf(name) === kind),
  )
  for (const name of held) {
    const { folders: classes } = await namesIn(join(folder, name))
    if (classes.length === 0) {
      notes.push(`${join(folder, name)} is left out: it has no class folders`)
    } else if (test === undefined) test = join(folder, name)
    else notes.push(`${join(folder, name)} is left out: ${test} is what is measured on`)
  }
  const faults = [
    ...folders
      .filter((name) => splitOf(name) === undefined)
      .map((name) => `${join(folder, name)} is neither train, test nor val`),
    ...otherTrains.map(
      (name) =>
        `${join(folder, name)} is not read: ${join(folder, train)} is what is trained on; put all training pictures into one`,
    ),
    ...strays(folder, files),
  ]
  return { train: join(folder, train), test, faults, notes }
}

interface ClassFolder {
  readonly name: string
  /** Paths of pictures that are tried. */
  readonly files: readonly string[]
}

/** The class folders that have pictures; what they and the folder hold besides is a fault. */
async function classesIn(folder: string, faults: string[]): Promise<ClassFolder[]> {
  const classes: ClassFolder[] = []
  const { folders, files, broken } = await namesIn(folder)
  faults.push(...strays(folder, files), ...lostLinks(folder, broken))
  for (const name of folders) {
    const place = join(folder, name)
    const names = await namesIn(place)
    const { pictures, others } = await sortedFiles(place, names.files)
    faults.push(...lostLinks(place, names.broken))
    if (others.length > 0) {
      faults.push(`${place}: ${countByType(others)} cannot be read; save them as PNG or JPEG`)
    }
    if (names.folders.length > 0) {
      faults.push(`${place}: ${counted(names.folders.length, 'folder')} in it not read`)
    }
    if (pictures.length > 0) {
      classes.push({ name, files: pictures.map((file) => join(place, file)) })
    } else if (others.length === 0) faults.push(noPicture(place, names))
  }
  return classes
}

/** Pictures that lie beside the folders of classes or parts, in one fault. */
function strays(folder: string, files: readonly string[]): string[] {
  const [first, ...more] = files.filter(isPictureName)
  if (first === undefined) return []
  const what =
    more.length === 0
      ? `1 picture in no class folder is not read, ${first}; put it into that of its class`
      : `${more.length + 1} pictures in no class folder are not read, as ${first}; put each into that of its class`
  return [`${folder}: ${what}`]
}

function lostLinks(folder: string, links: readonly string[]): string[] {
  return links.map((link) => `${join(folder, link)} is a link to nothing`)
}

function noPicture(place: string, { files }: FolderNames): string {
  const only = unreadAmong(files) ?? (files.length === 0 ? '' : `it holds only ${namesTold(files)}`)
  return `${place}: no picture that can be read is in it${only === '' ? '' : `; ${only}`}`
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

async function failFew(
  folder: string,
  labels: readonly string[],
  faults: readonly string[],
): Promise<never> {
  const unread = unreadAmong((await namesIn(folder)).files)
  const only = labels.length === 0 ? '' : `, ${labels.join()}`
  const why = faults.length === 0 ? '' : ` (${listedFaults(faults).join('; ')})`
  throw new TrainerError(
    { code: 'missing-data', file: folder },
    labels.length === 0 && unread !== undefined
      ? `${folder}: ${unread}`
      : `${folder} holds ${counted(labels.length, 'class folder')} with pictures${only}; two classes at least are needed, as ${join(folder, 'cat', '1.png')}${why}`,
  )
}
