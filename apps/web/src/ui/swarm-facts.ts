import type { PeerSnapshot } from '@layerswarm/peer'
import { engineWord } from '../logic/plain-words.ts'
import { isOutside } from '../logic/swarm-seen.ts'
import { trafficText } from '../logic/traffic.ts'
import { ageText, bytesText, durationText, othersText } from '../logic/wording.ts'
import { createCoverage } from './coverage.ts'
import { byId, setLine, setText } from './dom.ts'
import { createEngineList, createPeerTable } from './peer-table.ts'

/** The numbers about this tab and its swarm. */
export interface SwarmFacts {
  /** @param images those that this tab helped with. */
  show(snapshot: PeerSnapshot, images: number, coverage: readonly number[]): void
}

/** What this tab did, hosts per layer, and the tables of peers and engines. */
export function createSwarmFacts(): SwarmFacts {
  const facts = {
    peers: byId('peer-count', HTMLElement),
    served: byId('served-count', HTMLElement),
    images: byId('images-helped', HTMLElement),
    hosted: byId('hosted-layers', HTMLElement),
    backend: byId('backend', HTMLElement),
    layerMs: byId('layer-ms', HTMLElement),
    bytes: byId('bytes', HTMLElement),
    uptime: byId('uptime', HTMLElement),
  }
  const tab = byId('tab-facts', HTMLElement)
  const engine = byId('engine-word', HTMLElement)
  const why = byId('backend-reason', HTMLElement)
  const release = byId('release', HTMLElement)
  const traffic = byId('traffic', HTMLElement)
  const showCoverage = createCoverage(
    byId('coverage', HTMLOListElement),
    byId('coverage-text', HTMLElement),
  )
  const showPeers = createPeerTable()
  const showEngines = createEngineList()
  return {
    show(snapshot, images, coverage) {
      tab.hidden = isOutside(snapshot)
      const { bytes, hostedLayers, state } = snapshot
      const offline = state === 'offline'
      setText(facts.peers, othersText(snapshot.peers))
      setText(facts.served, String(snapshot.served))
      setText(facts.images, String(images))
      setText(facts.hosted, hostedLayers.length === 0 ? '–' : hostedLayers.join(', '))
      setText(facts.backend, snapshot.backend ?? '–')
      setText(engine, engineWord(snapshot.backend))
      setText(facts.layerMs, snapshot.served === 0 ? '–' : durationText(snapshot.layerMs))
      const moved = bytes.gossipIn + bytes.gossipOut + bytes.tensorsIn + bytes.tensorsOut
      const parts = bytes.layersFromPeers + bytes.layersFromHttp + bytes.layersToPeers
      setText(facts.bytes, offline ? '–' : bytesText(moved + parts))
      setText(facts.uptime, offline ? '–' : ageText(snapshot.uptimeMs))
      setLine(why, offline ? undefined : snapshot.backendReason)
      if (snapshot.release !== undefined) {
        setText(release, `${snapshot.release.name} · ${snapshot.release.id.slice(0, 8)}`)
      }
      setText(traffic, trafficText(snapshot))
      showCoverage(coverage, hostedLayers)
      showPeers(snapshot)
      showEngines(snapshot.engines)
    },
  }
}
