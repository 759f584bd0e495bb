import type { PeerSnapshot } from '@layerswarm/peer'
import { durationText, peerText } from '../logic/wording.ts'
import { byId, html } from './dom.ts'
import { PEER_ROWS_MAX, RELEASE_CHARS_SHOWN } from './limits.ts'

type PeerEntry = PeerSnapshot['peers'][number]
type Trials = PeerSnapshot['engines']

/** Everybody in the swarm, one row each; drawn only while the table is open. */
export function createPeerTable(): (seen: Pick<PeerSnapshot, 'peers' | 'release'>) => void {
  const details = byId('details', HTMLDetailsElement)
  const body = byId('peer-rows', HTMLTableSectionElement)
  // Scrolls, so the keyboard has to be able to get into it.
  byId('peer-table', HTMLElement).tabIndex = 0
  let latest: Pick<PeerSnapshot, 'peers' | 'release'> = { peers: [], release: undefined }
  let drawn: string | undefined

  function draw() {
    if (!details.open) return
    const { peers, release } = latest
    const key = JSON.stringify([peers, release])
    if (key === drawn) return
    drawn = key
    const rows = peers.slice(0, PEER_ROWS_MAX).map((peer) => peerRow(peer, release?.id))
    const rest = peers.length - rows.length
    if (peers.length === 0) rows.push(wideRow('none that this tab has met'))
    if (rest > 0) rows.push(wideRow(`and ${rest} more`))
    body.replaceChildren(...rows)
  }

  details.addEventListener('toggle', draw)
  return (seen) => {
    latest = seen
    draw()
  }
}

/** The engines that this device was considered for: their time per layer, or why not. */
export function createEngineList(): (trials: Trials) => void {
  const list = byId('engines', HTMLUListElement)
  let drawn = ''
  return (trials) => {
    const key = JSON.stringify(trials)
    if (key === drawn) return
    drawn = key
    list.replaceChildren(...trials.map((trial) => html('li', { text: trialText(trial) })))
  }
}

function trialText({ engine, layerMs, refused }: Trials[number]): string {
  if (refused !== undefined) return `${engine}: not used, ${refused}`
  return `${engine}: ${layerMs === undefined ? 'not timed' : `${durationText(layerMs)} per layer`}`
}

function peerRow(peer: PeerEntry, own: string | undefined): HTMLTableRowElement {
  const attributes = { scope: 'row', title: peer.id }
  return html(
    'tr',
    {},
    html('th', { text: peerText(peer.id), attributes }),
    html('td', { text: layersText(peer, own) }),
    html('td', { text: peer.backend }),
    html('td', { text: durationText(peer.layerMs) }),
    html('td', { text: linkText(peer) }),
  )
}

/** The layers, and of which release where that is another than this tab's. */
function layersText({ layers, release }: PeerEntry, own: string | undefined): string {
  if (layers.length === 0) return '–'
  const of = release === own ? '' : ` of release ${release.slice(0, RELEASE_CHARS_SHOWN)}`
  return `${layers.join(', ')}${of}`
}

function wideRow(text: string): HTMLTableRowElement {
  return html('tr', {}, html('td', { text, attributes: { colspan: '5' } }))
}

function linkText(peer: PeerEntry): string {
  // A circuit introduces two peers and carries no work.
  if (peer.connection === 'relayed') return 'being introduced'
  if (peer.connection === 'none') return 'via others'
  return peer.transport === 'none' ? peer.connection : `${peer.connection}, ${peer.transport}`
}
