import type { PeerSnapshot } from '@layerswarm/peer'
import { coverageLevel, coverageText } from '../logic/coverage.ts'
import { bytesText, durationText, peerText } from '../logic/wording.ts'
import { byId, html, setText } from './dom.ts'
import { paintLayer } from './layer-mark.ts'

/** Rows of the table of peers; more than that are only counted. */
const ROWS_MAX = 100
/** Blocks stacked above a layer; more hosts than that are only counted. */
const BLOCKS_MAX = 5

export interface SwarmFacts {
  show(snapshot: PeerSnapshot): void
}

/** Counts, hosts per layer, and the table of peers. */
export function createSwarmFacts(): SwarmFacts {
  const peerCount = byId('peer-count', HTMLElement)
  const served = byId('served-count', HTMLElement)
  const hosted = byId('hosted-layers', HTMLElement)
  const backend = byId('backend', HTMLElement)
  const release = byId('release', HTMLElement)
  const traffic = byId('traffic', HTMLElement)
  const showCoverage = createCoverage()
  const showPeers = createPeerTable()
  return {
    show(snapshot) {
      setText(peerCount, String(snapshot.peers.length))
      setText(served, String(snapshot.served))
      setText(hosted, snapshot.hostedLayers.length === 0 ? '–' : snapshot.hostedLayers.join(', '))
      setText(backend, snapshot.backend ?? '–')
      if (snapshot.release !== undefined) {
        setText(release, `${snapshot.release.name} · ${snapshot.release.id.slice(0, 8)}`)
      }
      setText(traffic, trafficText(snapshot))
      showCoverage(snapshot.coverage)
      showPeers(snapshot.peers)
    },
  }
}

function trafficText({ bytes, relay, state }: PeerSnapshot): string {
  if (state === 'offline') return 'No traffic: this tab is not in the swarm.'
  const gossip = `Gossip ${bytesText(bytes.gossipIn)} in, ${bytesText(bytes.gossipOut)} out`
  const tensors = `tensors ${bytesText(bytes.tensorsIn)} in, ${bytesText(bytes.tensorsOut)} out`
  const layers = `layers ${bytesText(bytes.layersFromPeers)} from peers, ${bytesText(bytes.layersFromHttp)} from the server`
  return `${gossip}; ${tensors}; ${layers}; relay ${relay}.`
}

function createCoverage(): (hosts: readonly number[]) => void {
  const list = byId('coverage', HTMLOListElement)
  const sentence = byId('coverage-text', HTMLElement)
  let drawn: string | undefined
  return (hosts) => {
    const key = hosts.join()
    if (key === drawn) return
    drawn = key
    list.replaceChildren(...hosts.map((count, layer) => coverageColumn(count, layer, hosts.length)))
    list.hidden = hosts.length === 0
    setText(sentence, coverageText(hosts))
  }
}

function coverageColumn(count: number, layer: number, layers: number): HTMLLIElement {
  const blocks = Array.from({ length: Math.min(count, BLOCKS_MAX) }, () =>
    html('i', { class: 'block' }),
  )
  const words = `layer ${layer}: ${count === 0 ? 'no host' : count === 1 ? '1 host' : `${count} hosts`}`
  const column = html(
    'li',
    { class: `column ${coverageLevel(count)}`, attributes: { title: words } },
    html('span', { class: 'sr-only', text: words }),
    html('span', { class: 'count', text: String(count), attributes: { 'aria-hidden': 'true' } }),
    html('span', { class: 'stack', attributes: { 'aria-hidden': 'true' } }, ...blocks),
    html('span', { class: 'layer', text: String(layer), attributes: { 'aria-hidden': 'true' } }),
  )
  return paintLayer(column, layer, layers)
}

function createPeerTable(): (peers: PeerSnapshot['peers']) => void {
  const details = byId('details', HTMLDetailsElement)
  const body = byId('peer-rows', HTMLTableSectionElement)
  let latest: PeerSnapshot['peers'] = []
  let drawn: string | undefined

  function draw() {
    const key = JSON.stringify(latest)
    if (!details.open || key === drawn) return
    drawn = key
    const rows = latest.slice(0, ROWS_MAX).map(peerRow)
    const rest = latest.length - rows.length
    if (latest.length === 0) rows.push(wideRow('nobody else yet'))
    if (rest > 0) rows.push(wideRow(`and ${rest} more`))
    body.replaceChildren(...rows)
  }

  details.addEventListener('toggle', draw)
  return (peers) => {
    latest = peers
    draw()
  }
}

function peerRow(peer: PeerSnapshot['peers'][number]): HTMLTableRowElement {
  const attributes = { scope: 'row', title: peer.id }
  return html(
    'tr',
    {},
    html('th', { text: peerText(peer.id), attributes }),
    html('td', { text: peer.layers.length === 0 ? '–' : peer.layers.join(', ') }),
    html('td', { text: peer.backend }),
    html('td', { text: durationText(peer.layerMs) }),
    html('td', { text: linkText(peer) }),
  )
}

function wideRow(text: string): HTMLTableRowElement {
  return html('tr', {}, html('td', { text, attributes: { colspan: '5' } }))
}

function linkText(peer: PeerSnapshot['peers'][number]): string {
  if (peer.connection === 'none') return 'via others'
  return peer.transport === 'none' ? peer.connection : `${peer.connection}, ${peer.transport}`
}
