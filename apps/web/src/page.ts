import type { Pixels } from '@layerswarm/model'
import type { PeerSnapshot } from '@layerswarm/peer'
import type { PageOptions } from './logic/page-options.ts'
import type { Picture } from './logic/picture.ts'
import { routeText } from './logic/wording.ts'
import type { Run } from './run.ts'
import { byId, setLine, setText } from './ui/dom.ts'
import { createDrawingPad } from './ui/drawing-pad.ts'
import { createFileDrop } from './ui/file-drop.ts'
import { createJoinPanel, type JoinActions } from './ui/join-panel.ts'
import { createRunView } from './ui/run-view.ts'
import { createSampleStrip, type SampleStrip } from './ui/sample-strip.ts'
import { createSourceTabs } from './ui/source-tabs.ts'
import { createSwarmFacts } from './ui/swarm-facts.ts'
import { createSwarmPicture } from './ui/swarm-picture.ts'

/** What a visitor can ask for. */
export interface PageActions extends JoinActions {
  choose(picture: Picture): void
}

/** What of a model the page shows. */
export interface ModelCard {
  readonly name: string
  readonly layers: number
  readonly labels: readonly string[]
}

/** The page as a function of plain data: it knows no peer and no network. */
export interface Page extends Pick<SampleStrip, 'showSamples' | 'showProblem'> {
  show(snapshot: PeerSnapshot): void
  setModel(model: ModelCard): void
  /** Shows a chosen picture; `seen` is what the model sees of it. */
  showPicture(picture: Picture, seen: Pixels | undefined): void
  showRun(run: Run): void
  /** A line about the page itself, such as why joining failed; undefined takes it away. */
  showNotice(line: string | undefined): void
  /** Layers to host, as chosen in the page. */
  readonly capacity: number
}

/** Brings index.html to life. */
export function createPage(options: PageOptions, actions: PageActions): Page {
  const notice = byId('notice', HTMLElement)
  const classes = byId('classes', HTMLElement)
  const release = byId('release', HTMLElement)
  let self = ''
  let layers = 0
  const joinPanel = createJoinPanel(options, actions)
  const picture = createSwarmPicture()
  const facts = createSwarmFacts()
  const strip = createSampleStrip(actions.choose)
  const run = createRunView(() => self)
  const followLight = createLightFollower(picture.lights, () => ({ self, layers }))
  createSourceTabs()
  createDrawingPad(actions.choose)
  createFileDrop(actions.choose, run.showProblem)

  return {
    get capacity() {
      return joinPanel.capacity
    },
    showSamples: strip.showSamples,
    showProblem: strip.showProblem,
    show(snapshot) {
      self = snapshot.peerId ?? ''
      joinPanel.show(snapshot)
      picture.show(snapshot)
      facts.show(snapshot)
    },
    setModel(model) {
      layers = model.layers
      joinPanel.setLayers(model.layers)
      strip.setLabels(model.labels)
      run.setModel(model)
      setText(release, model.name)
      setText(classes, `${model.labels.length} classes, ${model.layers} layers`)
    },
    showPicture: run.showPicture,
    showRun(state) {
      run.showRun(state)
      followLight(state)
    },
    showNotice: (line) => setLine(notice, line),
  }
}

type Lights = ReturnType<typeof createSwarmPicture>['lights']

/** Turns the growing route of a run into movements of the light. */
function createLightFollower(
  lights: Lights,
  context: () => { self: string; layers: number },
): (run: Run) => void {
  let followed = ''
  let hops = 0
  return (run) => {
    const { self, layers } = context()
    if (run.stage === 'waiting') return
    const soFar = routeText(run.route.slice(0, hops))
    if (run.route.length === 0 || soFar !== followed) {
      lights.begin(self)
      hops = 0
    }
    for (const hop of run.route.slice(hops)) lights.visit(hop.peer, hop.layer, layers)
    hops = run.route.length
    followed = routeText(run.route)
    if (run.stage === 'answered') lights.goHome(self)
  }
}
