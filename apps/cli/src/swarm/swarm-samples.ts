import { fetchFault, type Preprocessing } from '@layerswarm/model'
import { CliError } from '../cli-error.ts'
import { parseSamples, SAMPLE_FILES, type Samples } from '../images/samples.ts'
import { SAMPLES_BYTES_MAX, SAMPLES_FETCH_MS_MAX } from '../limits.ts'

/** What a model is asked about, as far as a pack may not fit it. */
type Input = Pick<Preprocessing, 'size' | 'channels'>

/**
 * Fetches the sample pack that a swarm's servers offer, from the first that has it.
 * @throws CliError `bad-file`; `refused` where there are none, or none that the model can be asked about.
 */
export async function fetchSamples(servers: readonly URL[], input: Input): Promise<Samples> {
  const samples = await fetchFromAny(servers)
  const why = whyUnfit(samples, input)
  if (why === undefined) return samples
  throw new CliError(
    { code: 'refused', what: 'samples' },
    `${why}; ask about pictures of your own (\`layerswarm classify IMAGE… --join URL\`)`,
  )
}

/** Why a model cannot be asked about such samples, which are grey; undefined where it can. */
export function whyUnfit(
  samples: Pick<Samples, 'size'>,
  { size, channels }: Input,
): string | undefined {
  if (samples.size === size && channels === 1) return undefined
  const pictures = (side: number, kind: string) => `${kind} pictures of ${side} × ${side}`
  return `the samples are ${pictures(samples.size, 'grey')}, and this model takes ${pictures(size, channels === 1 ? 'grey' : 'colour')}`
}

async function fetchFromAny([server, ...others]: readonly URL[]): Promise<Samples> {
  if (server === undefined) {
    const reason = 'no server of the swarm can be reached for the samples'
    throw new CliError({ code: 'refused', what: 'samples' }, reason)
  }
  if (others.length === 0) return fetchFrom(server)
  return fetchFrom(server).catch(() => fetchFromAny(others))
}

async function fetchFrom(join: URL): Promise<Samples> {
  const [images, labels] = await Promise.all([
    fetchBounded(new URL(`samples/${SAMPLE_FILES.images}`, join)),
    fetchBounded(new URL(`samples/${SAMPLE_FILES.labels}`, join)),
  ])
  return parseSamples(images, labels, new URL('samples/', join).href)
}

async function fetchBounded(url: URL): Promise<Uint8Array> {
  const fail = (reason: string): never => {
    throw new CliError({ code: 'refused', what: url.href }, `${url} ${reason}`)
  }
  const response = await fetch(url, { signal: AbortSignal.timeout(SAMPLES_FETCH_MS_MAX) }).catch(
    (error: unknown) =>
      fail(`cannot be reached (${fetchFault(error)}); is the swarm running there?`),
  )
  if (!response.ok) return fail(`answers ${response.status}; this swarm offers no samples`)
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length
      if (bytes > SAMPLES_BYTES_MAX) return fail(`sends more than ${SAMPLES_BYTES_MAX} bytes`)
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof CliError) throw error
    return fail(`breaks off (${fetchFault(error)})`)
  }
  return Buffer.concat(chunks)
}
