import { byId, html, setText } from '../ui/dom.ts'
import type { Mood } from './lab-compute.ts'
import type { LabSnapshot, SimulatedSwarm } from './simulated-swarm.ts'

/** The buttons of the lab. */
export interface LabControls {
  /** Chooses the peer that the buttons are about. */
  pick(peer: string): void
  show(snapshot: LabSnapshot): void
  readonly keepsSending: boolean
}

const MOOD_BUTTONS: readonly (readonly [id: string, mood: Mood | 'gone'])[] = [
  ['lab-kill', 'gone'],
  ['lab-slow', 'slow'],
  ['lab-lie', 'lying'],
  ['lab-heal', 'well'],
]

/** How a picture is sent. */
export interface LabSending {
  send(): void
  /** By way of this peer, whatever else. */
  sendThrough(peer: string): void
}

/** The buttons that disturb the simulated swarm. */
export function createLabControls(
  layers: number,
  swarm: SimulatedSwarm,
  { send, sendThrough }: LabSending,
): LabControls {
  const peers = byId('lab-peer', HTMLSelectElement)
  const layer = byId('lab-layer', HTMLSelectElement)
  const drop = byId('lab-drop', HTMLButtonElement)
  const keep = byId('lab-keep', HTMLInputElement)
  let dropped: readonly number[] = []
  let drawn = ''

  layer.replaceChildren(
    ...Array.from({ length: layers }, (_, index) =>
      html('option', { text: `layer ${index}`, attributes: { value: String(index) } }),
    ),
  )
  for (const [id, mood] of MOOD_BUTTONS) {
    byId(id, HTMLButtonElement).addEventListener('click', () => swarm.setMood(peers.value, mood))
  }
  drop.addEventListener('click', () => {
    const index = Number(layer.value)
    if (dropped.includes(index)) swarm.giveBack(index)
    else swarm.dropLayer(index)
  })
  layer.addEventListener('change', nameDrop)
  byId('lab-send', HTMLButtonElement).addEventListener('click', send)
  byId('lab-through', HTMLButtonElement).addEventListener('click', () => sendThrough(peers.value))
  keep.addEventListener('change', () => {
    if (keep.checked) send()
  })

  function nameDrop() {
    const isDropped = dropped.includes(Number(layer.value))
    setText(drop, isDropped ? 'Give the layer back' : 'Take it from everybody')
  }

  return {
    get keepsSending() {
      return keep.checked
    },
    pick(peer) {
      if ([...peers.options].some(({ value }) => value === peer)) peers.value = peer
    },
    show(snapshot) {
      const key = JSON.stringify([
        snapshot.peers.map(({ id, mood }) => [id, mood]),
        snapshot.dropped,
      ])
      if (key === drawn) return
      drawn = key
      dropped = snapshot.dropped
      const chosen = peers.value
      peers.replaceChildren(
        ...snapshot.peers.map(({ id, mood }) =>
          html('option', { text: `${id} (${mood})`, attributes: { value: id } }),
        ),
      )
      if (chosen !== '') peers.value = chosen
      nameDrop()
    },
  }
}
