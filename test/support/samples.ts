import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { grayTensor, type Manifest, parseIdx, type Tensor } from '@layerswarm/model'

/** The first so many samples that ship, as a release wants them, (1, C, S, S) each, and what they show. */
export async function readSamples(
  count: number,
  { preprocessing }: Pick<Manifest, 'preprocessing'>,
): Promise<{ images: Tensor[]; labels: Uint8Array }> {
  const read = async (name: string) => {
    const file = new URL(`../../models/samples/fashion-mnist-500/${name}`, import.meta.url)
    return parseIdx(new Uint8Array(await readFile(fileURLToPath(file))))
  }
  const { shape, data } = await read('images.idx3-ubyte')
  const size = (shape[1] ?? 0) * (shape[2] ?? 0)
  const images = Array.from({ length: count }, (_, i) =>
    grayTensor(data.subarray(i * size, (i + 1) * size), preprocessing),
  )
  return { images, labels: (await read('labels.idx1-ubyte')).data as Uint8Array }
}
