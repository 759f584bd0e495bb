import type { Manifest, Tensor } from '@layerswarm/model'
import { releaseId } from '@layerswarm/model'
import type { MemberEvent } from '@layerswarm/swarm'
import { bestClass } from '../logic/class-bars.ts'
import type { Picture } from '../logic/picture.ts'
import type { Scene } from '../logic/scene.ts'
import { hostedText } from '../logic/scene.ts'
import { errorText, missingText, percentText } from '../logic/wording.ts'
import { createCoverage } from '../ui/coverage.ts'
import { byId } from '../ui/dom.ts'
import { paintPixels } from '../ui/pixels.ts'
import { createSwarmPicture } from '../ui/swarm-picture.ts'
import { openWorkerEngine } from './engine-calls.ts'
import { runChain } from './fixed-chain.ts'
import type { LabEngine } from './lab-compute.ts'
import { createLabControls } from './lab-controls.ts'
import { createLane, type Lane } from './lab-lane.ts'
import { fetchParts, labProblem } from './lab-parts.ts'
import { PEERS_COUNT, SEND_PAUSE_MS, SWARM_SEED } from './limits.ts'
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
  const fixed = createLane(byId('lab-fixed', HTMLElement), layers)
  const controls = createLabControls(layers, swarm, () => void send())
  let sending = false

  swarm.on((event) => follow(event, picture.lights, any))
  picture.lights.carry(cargo)

  async function send(): Promise<void> {
    const image = sending ? undefined : nextImage()
    if (image === undefined) return
    sending = true
    paintPixels(cargo, image.picture.pixels)
    await Promise.all([
      throughSwarm(swarm, picture.lights, any, image, manifest),
      throughChain(swarm, engine, fixed, image, manifest),
    ])
    sending = false
    if (controls.keepsSending) setTimeout(() => void send(), SEND_PAUSE_MS)
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

type Lights = ReturnType<typeof createSwarmPicture>['lights']

function follow(event: MemberEvent, lights: Lights, any: Lane): void {
  if (event.type === 'step-seen' && event.route.length > 0)
    lights.seen(event.request, event.route, ASKER)
  if (event.type === 'progressed') any.showRoute(event.route)
}

/** The asking member in the middle of the picture. */
const ASKER = 'asker'

async function throughSwarm(
  swarm: SimulatedSwarm,
  lights: Lights,
  lane: Lane,
  { picture, tensor }: LabImage,
  { labels }: Manifest,
): Promise<void> {
  lane.begin()
  try {
    const { request, answer } = await swarm.ask(tensor)
    lights.seen(request, [], ASKER)
    const { probabilities, route, missingLayers } = await answer
    lane.showRoute(route)
    lights.home(request, ASKER)
    const missing = missingText(missingLayers)
    lane.answered(verdictOf(probabilities[0] ?? [], picture, labels), missing)
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
  const route: { layer: number; peer: string }[] = []
  const outcome = await runChain(swarm, engine, tensor, spec.layers, (stop) => {
    route.push(stop)
    lane.showRoute(route)
  }).catch((error: unknown) => ({ broken: errorText(error) }))
  if ('broken' in outcome) lane.broken(outcome.broken)
  else lane.answered(verdictOf(outcome.probabilities, picture, labels), undefined)
}

/** "Sneaker, 97 %", and whether that is right where the truth is known. */
function verdictOf(
  probabilities: readonly number[],
  { trueClass }: Picture,
  labels: readonly string[],
): { text: string; right: boolean | undefined } {
  const best = bestClass(probabilities)
  const text = `${labels[best] ?? `class ${best}`}, ${percentText(probabilities[best] ?? 0)}`
  return { text, right: trueClass === undefined ? undefined : trueClass === best }
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
