import { foregroundOf, type Preprocessing } from '@layerswarm/model'
import { FOREGROUND_SHARE_MIN } from '../limits.ts'
import type { Dataset } from './dataset.ts'

/** What a picture or a data set shows: see `Preprocessing`. */
export type Foreground = Preprocessing['foreground']

/**
 * What a data set shows, by a rule: `light` or `dark` when nearly all of its pictures do that show
 * either, else `any`. Pictures of the other kind are turned round when a model of the set is asked.
 * @param shown what each of its training pictures shows.
 */
export function commonForeground(shown: readonly Foreground[]): Foreground {
  const count = (one: Foreground): number => shown.filter((it) => it === one).length
  const [light, dark] = [count('light'), count('dark')]
  const wanted = Math.max(1, FOREGROUND_SHARE_MIN * (light + dark))
  if (light >= wanted) return 'light'
  return dark >= wanted ? 'dark' : 'any'
}

/**
 * What the images of a data set show; colours say nothing. A folder of pictures was decided when it
 * was read, idx files are here.
 */
export function foregroundOfDataset({
  foreground,
  channels,
  imageSize,
  train,
}: Dataset): Foreground {
  if (foreground !== undefined) return foreground
  if (channels !== 1) return 'any'
  const values = imageSize * imageSize
  const images = Array.from({ length: train.count }, (_, at) =>
    train.pixels.subarray(at * values, (at + 1) * values),
  )
  return commonForeground(
    images.map((data) => foregroundOf({ width: imageSize, height: imageSize, channels: 1, data })),
  )
}
