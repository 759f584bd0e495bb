import type { Message, RequestId } from '@layerswarm/swarm'
import { FILMED_MAX } from './limits.ts'

/** One thing that was said about one request. */
export interface Frame {
  readonly atMs: number
  /** Index of the peer that said it. */
  readonly peer: number
  readonly kind: 'step' | 'claim' | 'done'
  readonly hop: number
  readonly layer: number | undefined
  readonly era: number
}

/** Films the first requests of a run, so that one of them can be replayed in a report. */
export class Animation {
  private readonly films = new Map<RequestId, Frame[]>()

  note(peer: number, message: Message, _bytes: number, atMs: number): void {
    if (isOffFilm(message)) return
    let film = this.films.get(message.request)
    if (film === undefined) {
      if (this.films.size >= FILMED_MAX) return
      film = []
      this.films.set(message.request, film)
    }
    film.push(frame(peer, message, atMs))
  }

  /** The most eventful film: most messages, the first of equals. */
  best(): readonly Frame[] {
    let best: Frame[] = []
    for (const film of this.films.values()) if (film.length > best.length) best = film
    return best
  }
}

type OffFilm = Extract<Message, { kind: 'presence' | 'again' | 'hint' | 'round' | 'update' }>

function isOffFilm(message: Message): message is OffFilm {
  return ['presence', 'again', 'hint', 'round', 'update'].includes(message.kind)
}

function frame(peer: number, message: Exclude<Message, OffFilm>, atMs: number): Frame {
  switch (message.kind) {
    case 'step': {
      const hop = message.route.length
      return { atMs, peer, kind: 'step', hop, layer: message.route.at(-1)?.layer, era: message.era }
    }
    case 'claim':
      return { atMs, peer, kind: 'claim', hop: message.hop, layer: message.layer, era: message.era }
    case 'done':
      return { atMs, peer, kind: 'done', hop: 0, layer: undefined, era: 0 }
    default:
      return message satisfies never
  }
}
