import type { Presence } from '../wire/messages.ts'

/** A presence that says nothing in particular: one free slot, no layers, nothing measured but its speed. */
export function anyPresence(given: Partial<Omit<Presence, 'kind'>> = {}): Presence {
  return {
    kind: 'presence',
    release: '',
    lane: 0,
    sequence: 0,
    clockMs: 0,
    layers: [],
    freeSlots: 1,
    links: 0,
    layerMs: 1,
    measured: true,
    upload: 0,
    download: 0,
    strangersFail: 0,
    near: [],
    backend: 'reference',
    addresses: [],
    asking: false,
    leaving: false,
    moving: false,
    ...given,
  }
}
