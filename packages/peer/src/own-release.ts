import type { Answer, Classification, Progress } from '@layerswarm/swarm'
import type { Session } from './session.ts'

/** Which release a peer is of, and in whose lanes. */
export type OwnRelease = Pick<Session, 'release' | 'laneRelease'>

/**
 * What came back as whoever asked must see it: in the lane a layer says its release where that is not the lane's, and to
 * them where it is not their own.
 */
export function ofOwnRelease(asked: Classification, own: OwnRelease): Classification {
  const { laneRelease } = own
  if (laneRelease.weights === undefined) return asked
  return {
    ...asked,
    answer: asked.answer.then((answer) => seen(answer, own)),
    onProgress: (listener) => asked.onProgress((progress) => listener(seen(progress, own))),
  }
}

function seen<T extends Answer | Progress>(of: T, { release, laneRelease }: OwnRelease): T {
  const route = of.route.map(({ weights = laneRelease.id, ...hop }) =>
    weights === release.id ? hop : { ...hop, weights },
  )
  return { ...of, route }
}
