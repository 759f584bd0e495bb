import type { Manifest, Tensor } from '@layerswarm/model'
import { releaseId } from '@layerswarm/model'
import type { Answer, MemberEvent } from '@layerswarm/swarm'
import type { Picture } from '../logic/picture.ts'
import type { Scene } from '../logic/scene.ts'
import { hostedText } from '../logic/scene.ts'
import { errorText, missingText } from '../logic/wording.ts'
import { createCoverage } from '../ui/coverage.ts'
import { byId } from '../ui/dom.ts'
import { paintPixels } from '../ui/pixels.ts'
import { createSwarmPicture } from '../ui/swarm-picture.ts'
import { openWorkerEngine } from './engine-calls.ts'
import { runChain } from './fixed-chain.ts'
import type { LabEngine } from './lab-compute.ts'
import { createLabControls } from './lab-controls.ts'
import { createLane, type Lane, verdictOf } from './lab-lane.ts'
import { fetchParts, labProblem } from './lab-parts.ts'
import { followRounds, offersRounds, throughRounds } from './lab-rounds.ts'
import { auditText, liesText, markLies, type Told } from './lies.ts'
import {
  PEERS_COUNT,
  RESERVE_LOOK_MS,
  RESERVE_SETTLE_MS,
  RESERVE_WAIT_MS_MAX,
  SEND_PAUSE_MS,
  SWARM_SEED,
} from './limits.ts'
import { type LabSnapshot, SimulatedSwarm } from './simulated-swarm.ts'

/** An image to send, and its tensor (1, channels, size, size). */
export interface LabImage {
  readonly picture: Picture
  readonly tensor: Tensor
}

/** Brings the lab to life. @throws Error or ModelError with one line when it cannot start. */
export async function openLab(
  server: URL,
  manifest: Manifest,
  nextImage: () => LabImage | undefined,
): Promise<void> {
  const problem = labProblem(manifest)
  if (problem !== undefined) throw new Error(problem)
  const { spec } = manifest
  const engine = await openWorkerEngine(spec, await fetchParts(server, manifest))
  const release = releaseId(manifest)
  const swarm = new SimulatedSwarm({ spec, release, engine, peers: PEERS_COUNT, seed: SWARM_SEED })
  byId('lab', HTMLElement).hidden = false
  runLab(swarm, engine, manifest, nextImage)
}

function runLab(
  swarm: SimulatedSwarm,
  engine: LabEngine,
  manifest: Manifest,
  nextImage: () => LabImage | undefined,
): void {
  const layers = manifest.spec.layers
  const cargo = byId('lab-cargo', HTMLCanvasElement)
  const picture = createSwarmPicture(
    {
      root: byId('lab-swarm', SVGSVGElement),
      canvas: byId('lab-lights', HTMLCanvasElement),
      more: byId('lab-more', HTMLElement),
    },
    (peer) => controls.pick(peer),
  )
  const showCoverage = createCoverage(
    byId('lab-coverage', HTMLOListElement),
    byId('lab-coverage-text', HTMLElement),
  )
  const any = createLane(byId('lab-any', HTMLElement), layers)
  const together = createLane(byId('lab-rounds', HTMLElement), layers)
  byId('lab-rounds', HTMLElement).hidden = !offersRounds(manifest)
  const fixed = createLane(byId('lab-fixed', HTMLElement), layers)
  const controls = createLabControls(layers, swarm, {
    send: () => void send(),
    sendThrough: (peer) => void sendThrough(peer),
  })
  let underWay: Promise<unknown> | undefined

  const ledger = createLedger(swarm, any)
  swarm.on((event) => {
    follow(event, picture.lights)
    followRounds(event, picture.lights, ASKER)
    ledger.heard(event)
  })
  picture.lights.carry(cargo)

  async function send(): Promise<void> {
    const image = underWay === undefined ? nextImage() : undefined
    if (image === undefined) return
    paintPixels(cargo, image.picture.pixels)
    underWay = Promise.all([
      throughSwarm(swarm, picture.lights, any, ledger, image, manifest),
      ...(offersRounds(manifest) ? [throughRounds(swarm, together, image, manifest)] : []),
      throughChain(swarm, engine, fixed, image, manifest),
    ])
    await underWay
    underWay = undefined
    if (controls.keepsSending) setTimeout(() => void send(), SEND_PAUSE_MS)
  }

  /** One layer is left to a peer alone for one picture, once that under way is home and the peer hosts any. */
  async function sendThrough(peer: string): Promise<void> {
    await underWay
    const layer = await reserved(swarm, peer)
    if (layer === undefined) return any.broken(`${peer} hosts no layer that could be left to it`)
    try {
      await settled(swarm, RESERVE_SETTLE_MS)
      await send()
    } finally {
      swarm.release(layer)
    }
  }

  let lastMs = performance.now()
  function tick(nowMs: number) {
    swarm.advance(nowMs - lastMs)
    lastMs = nowMs
    const seen = swarm.snapshot()
    picture.show(labScene(seen, layers))
    showCoverage(seen.coverage, [])
    controls.show(seen)
    requestAnimationFrame(tick)
  }
  requestAnimationFrame(tick)
}

/** Keeps what liars and audits had to do with the picture on its way, and shows it. */
interface Ledger {
  begin(): void
  heard(event: MemberEvent): void
  answered(request: string, route: Answer['route'], checked: Answer['checked']): void
}

function createLedger(swarm: SimulatedSwarm, lane: Lane): Ledger {
  let told: readonly Told[] = []
  let outvoted: readonly string[] = []
  let latest: string | undefined

  function showRoute(route: Answer['route']) {
    told = markLies(route, told, swarm.liars)
    lane.showRoute(told)
  }

  function showFound(checked: Answer['checked']) {
    const lies = liesText(told, swarm.liars)
    const concerns = lies !== undefined || checked.doubted.length > 0 || outvoted.length > 0
    lane.showLies(concerns ? `${lies ?? ''} ${auditText(checked, outvoted)}`.trim() : undefined)
  }

  return {
    begin() {
      told = []
      outvoted = []
      latest = undefined
    },
    heard(event) {
      // What runs in rounds has a lane of its own.
      if (event.type === 'progressed' && event.rounds.length === 0) showRoute(event.route)
      if (event.type === 'peer-outvoted') outvoted = [...outvoted, event.peer]
      if (event.type === 'answer-checked' && event.request === latest) showFound(event.checked)
    },
    answered(request, route, checked) {
      latest = request
      showRoute(route)
      showFound(checked)
    },
  }
}

type Lights = ReturnType<typeof createSwarmPicture>['lights']

function follow(event: MemberEvent, lights: Lights): void {
  if (event.type === 'step-seen' && event.route.length > 0)
    lights.seen(event.request, event.route, ASKER)
}

/** The asking member in the middle of the picture. */
const ASKER = 'asker'

/** The layer that is left to a peer alone; undefined where it hosts none for longer than a newcomer takes to. */
async function reserved(swarm: SimulatedSwarm, peer: string): Promise<number | undefined> {
  for (let waitedMs = 0; waitedMs < RESERVE_WAIT_MS_MAX; waitedMs += RESERVE_LOOK_MS) {
    const layer = swarm.reserve(peer)
    if (layer !== undefined) return layer
    await settled(swarm, RESERVE_LOOK_MS)
  }
  return undefined
}

/** Lets so much of the swarm's own time pass. */
function settled({ clock }: SimulatedSwarm, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.wakeAt(clock.nowMs() + ms, resolve)
  })
}

async function throughSwarm(
  swarm: SimulatedSwarm,
  lights: Lights,
  lane: Lane,
  ledger: Ledger,
  { picture, tensor }: LabImage,
  { labels }: Manifest,
): Promise<void> {
  lane.begin()
  ledger.begin()
  try {
    const { request, answer } = await swarm.ask(tensor)
    lights.seen(request, [], ASKER)
    const { probabilities, route, missingLayers, checked, totalMs } = await answer
    lights.home(request, ASKER)
    ledger.answered(request, route, checked)
    const missing = missingText(missingLayers)
    lane.answered(verdictOf(probabilities[0] ?? [], picture, labels, totalMs), missing)
  } catch (error) {
    lane.broken(errorText(error))
  }
}

async function throughChain(
  swarm: SimulatedSwarm,
  engine: LabEngine,
  lane: Lane,
  { picture, tensor }: LabImage,
  { labels, spec }: Manifest,
): Promise<void> {
  lane.begin()
  let told: readonly Told[] = []
  const outcome = await runChain(swarm, engine, tensor, spec.layers, (stop) => {
    told = markLies([...told, stop], told, swarm.liars)
    lane.showRoute(told)
  }).catch((error: unknown) => ({ broken: errorText(error) }))
  lane.showLies(liesText(told, swarm.liars))
  if ('broken' in outcome) lane.broken(outcome.broken)
  else lane.answered(verdictOf(outcome.probabilities, picture, labels), undefined)
}

function labScene({ peers }: LabSnapshot, layers: number): Scene {
  const living = peers.filter(({ mood }) => mood !== 'gone').length
  return {
    self: { id: ASKER, label: 'asker', title: 'whoever asks', layers: [], look: 'self serving' },
    peers: peers.map(({ id, layers: hosted, mood }) => ({
      id,
      label: id.replace('peer-', ''),
      title: `${id}: ${mood === 'gone' ? 'gone' : `${mood}, ${hostedText(hosted)}`}`,
      layers: hosted,
      look: `direct ${mood}`,
    })),
    layers,
    caption: `${living} of ${peers.length} simulated peers are there, around the one that asks.`,
  }
}
