import type { Pixels, Preparation } from '@layerswarm/model'
import type { PeerSnapshot } from '@layerswarm/peer'
import { folderOf } from '@layerswarm/peer/join-url'
import { isLoopback, type SwarmKey } from '@layerswarm/swarm'
import { OWN_REQUESTS_MAX } from './limits.ts'
import type { PageOptions } from './logic/page-options.ts'
import type { Picture } from './logic/picture.ts'
import { sceneOf } from './logic/scene.ts'
import { helpersText, shareAddress } from './logic/share.ts'
import type { Offer } from './release.ts'
import type { Hop, Run } from './run.ts'
import type { Download } from './runtime-download.ts'
import { createCamera } from './ui/camera.ts'
import { byId, setLine, setText } from './ui/dom.ts'
import { createDrawingPad } from './ui/drawing-pad.ts'
import { createFileDrop } from './ui/file-drop.ts'
import { createJoinPanel, type JoinActions, type Share } from './ui/join-panel.ts'
import { createRunView } from './ui/run-view.ts'
import { createSampleStrip, type SampleStrip } from './ui/sample-strip.ts'
import { createShareCard } from './ui/share-card.ts'
import { createSourceTabs } from './ui/source-tabs.ts'
import { createSwarmFacts } from './ui/swarm-facts.ts'
import { createSwarmPicture, type SwarmPicture } from './ui/swarm-picture.ts'

/** What a visitor can ask for. */
export interface PageActions extends JoinActions {
  choose(picture: Picture): void
  /** How the model wants its pictures, where one is known. */
  preparation(): Preparation | undefined
  /** How many orders the next picture is asked in. */
  setOrders(orders: number): void
}

/** What of a model the page shows. */
export interface ModelCard {
  readonly name: string
  readonly layers: number
  readonly labels: readonly string[]
  /** Its layers run in their own order only. */
  readonly keepsOrder: boolean
}

/** The page as a function of plain data: it knows no peer and no network. */
export interface Page extends Pick<SampleStrip, 'showSamples' | 'showProblem'> {
  /** @param images those that this tab helped with. */
  show(snapshot: PeerSnapshot, images: number): void
  /** A request of anybody has come this far. */
  showMove(request: string, route: readonly Hop[]): void
  /** From now on this request counts as this tab's. */
  own(request: string): void
  setModel(model: ModelCard): void
  /** Shows a chosen picture; `seen` is what the model sees of it. */
  showPicture(picture: Picture, seen: Pixels | undefined): void
  showRun(run: Run): void
  /** What the swarm's server says of itself beside the model. */
  showOffer(offer: Pick<Offer, 'invite' | 'iceServers'>): void
  /** A line about the page itself, such as why joining failed; undefined takes it away. */
  showNotice(line: string | undefined): void
  showDownload(download: Download | undefined): void
  /** What this tab gives, as chosen in the page. */
  readonly share: Share
}

/**
 * Brings index.html to life.
 * @param swarmKey that others are invited with; undefined where everybody may come.
 */
export function createPage(
  options: PageOptions,
  swarmKey: SwarmKey | undefined,
  actions: PageActions,
): Page {
  const notice = byId('notice', HTMLElement)
  const classes = byId('classes', HTMLElement)
  const release = byId('release', HTMLElement)
  let self = ''
  const joinPanel = createJoinPanel(options, actions)
  const swarm = createSwarmPicture({
    root: byId('swarm', SVGSVGElement),
    canvas: byId('swarm-lights', HTMLCanvasElement),
    more: byId('swarm-more', HTMLElement),
  })
  const moves = createMoves(swarm, () => self)
  const facts = createSwarmFacts()
  const strip = createSampleStrip(actions.choose)
  const run = createRunView(() => self)
  const chosen = byId('chosen', HTMLCanvasElement)
  createSourceTabs(createCamera(actions.choose).off)
  createDrawingPad(actions.choose)
  createFileDrop(actions.choose, run.showProblem, actions.preparation)
  const orderChoice = createOrderChoice(actions.setOrders)
  const folder = folderOf(new URL(location.href))
  const share = createShareCard(shareAddress(folder, options.join), swarmKey)
  setLine(byId('isolation', HTMLElement), isolationProblem())

  return {
    get share() {
      return joinPanel.share
    },
    showSamples: strip.showSamples,
    showProblem: strip.showProblem,
    showDownload: joinPanel.showDownload,
    show(snapshot, images) {
      self = snapshot.peerId ?? ''
      joinPanel.show(snapshot)
      swarm.show(sceneOf(snapshot))
      facts.show(snapshot, images)
    },
    showMove: moves.moved,
    own: moves.own,
    setModel(model) {
      joinPanel.setLayers(model.layers)
      strip.setLabels(model.labels)
      run.setModel(model)
      setText(release, model.name)
      const order = model.keepsOrder ? ', run in their own order' : ''
      setText(classes, `${model.labels.length} classes, ${model.layers} layers${order}`)
      setText(
        byId('hops-title', HTMLElement),
        model.keepsOrder ? 'Route, in its own order' : 'Route',
      )
      orderChoice.offer(!model.keepsOrder)
    },
    showPicture(picture, seen) {
      run.showPicture(picture, seen)
      swarm.lights.carry(chosen)
    },
    showRun(state) {
      run.showRun(state)
      if (state.stage !== 'answered') return
      for (const { request } of state.ensemble.answers) swarm.lights.home(request, self)
    },
    showOffer({ invite, iceServers }) {
      // An address that works on this computer only invites nobody.
      if (invite !== undefined && options.join === undefined && isLoopback(folder.hostname))
        share.show(invite)
      setLine(byId('helpers', HTMLElement), helpersText(options.join, iceServers))
    },
    showNotice: (line) => setLine(notice, line),
  }
}

/** Turns the routes of requests into movements of their lights. */
function createMoves({ lights }: SwarmPicture, self: () => string) {
  const own = new Set<string>()
  return {
    own(request: string) {
      own.add(request)
      const [oldest] = own
      if (own.size > OWN_REQUESTS_MAX && oldest !== undefined) own.delete(oldest)
      lights.seen(request, [], self())
    },
    moved(request: string, route: readonly Hop[]) {
      const mine = own.has(request)
      if (mine || route.length > 0) lights.seen(request, route, mine ? self() : undefined)
    },
  }
}

function createOrderChoice(setOrders: (orders: number) => void) {
  const select = byId('orders', HTMLSelectElement)
  const tell = () => setOrders(Number(select.value))
  select.addEventListener('change', tell)
  // Browsers keep a choice over a reload.
  tell()
  return {
    /** Whether there is more than one order to ask in. */
    offer(isOffered: boolean) {
      byId('ask-in', HTMLElement).hidden = !isOffered
      if (!isOffered) select.value = '1'
      tell()
    },
  }
}

/** Why some things are slower here than they could be; undefined when all is well. */
function isolationProblem(): string | undefined {
  if (!isSecureContext) {
    return 'This page came over plain http: the browser withholds the graphics card, the camera and lasting storage. Everything else works.'
  }
  if (crossOriginIsolated) return undefined
  return 'The host that serves this page strips its isolation headers (COOP and COEP), so WebAssembly runs on one thread and with coarse clocks. Everything else works.'
}
