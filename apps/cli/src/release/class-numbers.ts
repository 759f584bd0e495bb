import type { LabelledImages } from '@layerswarm/trainer'
import type { ModelFolder } from './release-folder.ts'

/**
 * A class has its number from the data set that a model was trained on; other data may number
 * otherwise, or lack a class. Where the model knows all names of the data, its numbers are taken; elsewhere the difference is told.
 */
export function numberedAs(
  { name, labels: own }: Pick<ModelFolder, 'name' | 'labels'>,
  those: readonly string[],
  images: LabelledImages,
  log: (line: string) => void,
): LabelledImages {
  const first = those.findIndex((label, id) => label !== own[id])
  if (first === -1) return images
  const numbers = those.map((label) => own.indexOf(label))
  if (numbers.includes(-1) || new Set(numbers).size < numbers.length) {
    log(
      `${name} knows class ${first} as "${own[first] ?? 'none'}", the data set as "${those[first]}"; they are taken for the same`,
    )
    return images
  }
  return { ...images, labels: Uint16Array.from(images.labels, (label) => numbers[label] ?? 0) }
}
