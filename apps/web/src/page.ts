import type { Manifest, Pixels, Preparation } from '@layerswarm/model'
import type { PeerSnapshot } from '@layerswarm/peer'
import { folderOf } from '@layerswarm/peer/join-url'
import { isLoopback, type SwarmKey } from '@layerswarm/swarm'
import { OWN_REQUESTS_MAX } from './limits.ts'
import type { Joining } from './logic/joining.ts'
import type { PageOptions } from './logic/page-options.ts'
import type { PauseRules } from './logic/pause-rules.ts'
import type { Picture } from './logic/picture.ts'
import { knowsText } from './logic/plain-words.ts'
import type { RoundsChoice } from './logic/rounds-choice.ts'
import type { SampleSet } from './logic/sample-set.ts'
import { sceneOf } from './logic/scene.ts'
import { helpersText, shareAddress } from './logic/share.ts'
import { isOutside, type SwarmSeen, shownSwarm, swarmLine } from './logic/swarm-seen.ts'
import type { Here } from './logic/together.ts'
import type { Offer } from './release.ts'
import type { Hop, Run } from './run.ts'
import { createAskChoices } from './ui/ask-choices.ts'
import { createCamera } from './ui/camera.ts'
import { type ChoicesPanel, createChoicesPanel } from './ui/choices-panel.ts'
import { createCropEditor } from './ui/crop-editor.ts'
import { byId, setLine, setText } from './ui/dom.ts'
import { createDrawingPad } from './ui/drawing-pad.ts'
import { createFileDrop } from './ui/file-drop.ts'
import { createJoinPanel, type JoinActions, type KeptShare, type Share } from './ui/join-panel.ts'
import { createRunView } from './ui/run-view.ts'
import { createSampleStrip, type SampleStrip } from './ui/sample-strip.ts'
import { createShareCard } from './ui/share-card.ts'
import { createSourceTabs, type Source } from './ui/source-tabs.ts'
import { createSwarmFacts } from './ui/swarm-facts.ts'
import { createSwarmPicture, type SwarmPicture } from './ui/swarm-picture.ts'

/** What a visitor can ask for. */
export interface PageActions extends JoinActions {
  /** When this tab is to rest. */
  setRules(rules: PauseRules): void
  choose(picture: Picture): void
  /** All sample pictures that the server has. */
  allSamples(): Promise<SampleSet>
  /** How the model wants its pictures, where one is known. */
  preparation(): Preparation | undefined
  /** How many orders the next picture is asked in. */
  setOrders(orders: number): void
  /** How many of its layers run at once. */
  setRounds(rounds: RoundsChoice): void
  /** Whether it is asked in two disjoint orders instead, and in a third when they disagree. */
  setTwice(twice: boolean): void
}

/** What stays on the device from visit to visit. */
export interface KeptChoices {
  readonly share: KeptShare
  readonly rules: PauseRules
}

/** What of a model the page shows. */
export interface ModelCard {
  readonly name: string
  readonly layers: number
  readonly labels: readonly string[]
  /** Its layers run in their own order only. */
  readonly keepsOrder: boolean
  /** What it says of itself. */
  readonly manifest: Pick<Manifest, 'rounds' | 'spec'>
}

/** The page as a function of plain data: it knows no peer and no network. */
export interface Page extends Pick<SampleStrip, 'showSamples' | 'showProblem'>, ChoicesPanel {
  /** @param images those that this tab helped with. */
  show(snapshot: PeerSnapshot, images: number, joining: Joining): void
  /** What the server says of the swarm; undefined while it says nothing. */
  showSeen(seen: SwarmSeen | undefined): void
  /** A request of anybody has come this far. */
  showMove(request: string, route: readonly Hop[]): void
  /** A request of this tab's own, which is answered in rounds, has come this far. */
  showRounds(request: string, route: readonly Hop[], rounds: readonly number[]): void
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
  /** What this tab gives, as chosen in the page. */
  readonly share: Share
}

/**
 * Brings index.html to life.
 * @param swarmKey that others are invited with; undefined where everybody may come.
 * @param kept what was chosen on an earlier visit.
 */
export function createPage(
  options: PageOptions,
  swarmKey: SwarmKey | undefined,
  kept: KeptChoices,
  actions: PageActions,
): Page {
  const notice = byId('notice', HTMLElement)
  const swarmSeen = byId('swarm-seen', HTMLElement)
  let self = ''
  let seen: SwarmSeen | undefined
  let latest: { readonly snapshot: PeerSnapshot; readonly images: number } | undefined
  const joinPanel = createJoinPanel(options, kept.share, actions)
  const swarm = createSwarmPicture({
    root: byId('swarm', SVGSVGElement),
    canvas: byId('swarm-lights', HTMLCanvasElement),
    more: byId('swarm-more', HTMLElement),
  })
  const moves = createMoves(swarm, () => self)
  const facts = createSwarmFacts()
  const strip = createSampleStrip(actions.choose, actions.allSamples)
  const hostAll = hostsWhatItIsTold(options) ? undefined : joinPanel.hostAll
  const run = createRunView(() => latest?.snapshot ?? NOWHERE, hostAll)
  const chosen = byId('chosen', HTMLCanvasElement)
  const showSource = createSources(actions, run.showProblem)
  const askChoices = createAskChoices(actions)
  const folder = folderOf(new URL(location.href))
  const share = createShareCard(shareAddress(folder, options.join), swarmKey)
  setLine(byId('isolation', HTMLElement), isolationProblem())

  function showSwarm() {
    if (latest === undefined) return
    const { snapshot, images } = latest
    const shown = shownSwarm(snapshot, seen)
    swarmSeen.hidden = !isOutside(snapshot) || seen === undefined
    swarm.show(sceneOf(snapshot, shown))
    facts.show(snapshot, images, shown.coverage)
  }

  return {
    ...createChoicesPanel(kept.rules, actions.setRules),
    get share() {
      return joinPanel.share
    },
    showSamples: strip.showSamples,
    showProblem: strip.showProblem,
    show(snapshot, images, joining) {
      self = snapshot.peerId ?? ''
      latest = { snapshot, images }
      joinPanel.show(snapshot, joining)
      showSwarm()
    },
    showSeen(next) {
      seen = next
      setLine(swarmSeen, swarmLine(next))
      showSwarm()
    },
    showMove: moves.moved,
    showRounds: (request, route, rounds) => swarm.lights.inRounds(request, route, rounds, self),
    own: moves.own,
    setModel(model) {
      joinPanel.setLayers(model.layers)
      strip.setLabels(model.labels)
      run.setModel(model)
      sayWhatIsKnown(model)
      askChoices.offer(model)
    },
    showPicture(picture, seen) {
      run.showPicture(picture, seen)
      showSource(picture)
      swarm.lights.carry(chosen)
    },
    showRun(state) {
      run.showRun(state)
      if (state.stage === 'failed') moves.failed()
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

/** A tab that has not looked at itself yet. */
const NOWHERE: Here = {
  ...{ peerId: undefined, backend: undefined, engines: [] },
  ...{ served: 0, layerMs: 0 },
}

/** The tab that a photo came from; undefined of other pictures. */
function photoTab({ source }: Picture): Source | undefined {
  if (source === 'camera') return 'camera'
  return source === 'file' ? 'upload' : undefined
}

/** Where pictures come from. @returns what shows a picture's source, with an editor beside a photo. */
function createSources(
  { choose, preparation }: PageActions,
  complain: (line: string) => void,
): (picture: Picture) => void {
  const camera = createCamera(choose)
  const crop = createCropEditor(choose, preparation)
  const editor = byId('crop', HTMLElement)
  let shown: Source = 'samples'
  let photoFrom: Source | undefined
  const showEditor = () => {
    editor.hidden = shown !== photoFrom
  }
  const select = createSourceTabs((source) => {
    if (source !== 'camera') camera.off()
    shown = source
    showEditor()
  })
  createDrawingPad(choose)
  createFileDrop(choose, complain, preparation)
  return (picture) => {
    // Pasted and dropped from wherever the visitor was.
    if (picture.source === 'file') select('upload')
    crop.show(picture)
    photoFrom = photoTab(picture)
    showEditor()
  }
}

function sayWhatIsKnown({ name, labels, layers, keepsOrder }: ModelCard): void {
  setText(byId('release', HTMLElement), name)
  for (const place of document.querySelectorAll('.knows')) setText(place, knowsText(labels))
  const order = keepsOrder ? ', run in their own order' : ''
  setText(byId('classes', HTMLElement), `${labels.length} classes, ${layers} layers${order}`)
  setText(byId('hops-title', HTMLElement), keepsOrder ? 'Route, in its own order' : 'Route')
}

/** Whether the address names the layers of this tab. */
function hostsWhatItIsTold({ serve }: PageOptions): boolean {
  return serve !== 'auto'
}

/** Turns the routes of requests into movements of their lights. */
function createMoves({ lights }: SwarmPicture, self: () => string) {
  const own = new Set<string>()
  let latest = ''
  return {
    own(request: string) {
      own.add(request)
      latest = request
      const [oldest] = own
      if (own.size > OWN_REQUESTS_MAX && oldest !== undefined) own.delete(oldest)
      lights.seen(request, [], self())
    },
    /** The latest own request has no answer: its light goes out. */
    failed() {
      lights.home(latest, self())
    },
    moved(request: string, route: readonly Hop[]) {
      const mine = own.has(request)
      if (mine || route.length > 0) lights.seen(request, route, mine ? self() : undefined)
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
