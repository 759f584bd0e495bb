/**
 * The page of a swarm: a tab joins with one button, hosts layers, and has pictures classified. The
 * signaling server serves it; it has no framework and no server of its own. What the address may ask:
 * `engine`, `layers` (numbers, `auto` or `none`), `capacity`, `autojoin`, and `simulate`, a run of the churn lab. It may lie in any folder,
 * and on another server than the swarm's, which `join` names then. In the fragment it may have the key of a
 * private swarm, `#key=…`.
 *
 * ```text
 * http://127.0.0.1:9000/?engine=ort-wasm&layers=2,5&autojoin=1
 * ```
 *
 * `window.layerswarm.snapshot()` gives scripts the state of this tab as plain data. `logic/` is
 * what can be computed without a page, `ui/` what is drawn, `lab/` the churn lab.
 */

import { keepsOrder, type Manifest } from '@layerswarm/model'
import type { PeerSnapshot } from '@layerswarm/peer'
import { folderOf } from '@layerswarm/peer/join-url'
import { keyInLink, parseSwarmKey } from '@layerswarm/swarm'
import { createClassifier } from './classifier.ts'
import { createLabCard } from './lab/lab-card.ts'
import { SERVER_RETRY_MS } from './limits.ts'
import { takeKey } from './logic/invitation.ts'
import { AWAY } from './logic/joining.ts'
import { parsePageOptions, serverComplaint } from './logic/page-options.ts'
import { sentence } from './logic/plain-words.ts'
import { parseSamples } from './logic/sample-set.ts'
import { isOutside } from './logic/swarm-seen.ts'
import { shareOfTab, tabsText } from './logic/tabs.ts'
import { errorText } from './logic/wording.ts'
import { keepShell } from './offline-shell.ts'
import { createPage, type Page } from './page.ts'
import { fetchOffer, fetchSampleFiles } from './release.ts'
import { fetchRuntime } from './runtime-download.ts'
import { createSession } from './session.ts'
import { watchSwarm } from './swarm-watch.ts'
import { installTrustedScripts } from './trusted-scripts.ts'
import type { Share } from './ui/join-panel.ts'
import { SAMPLES_SHOWN_MAX } from './ui/limits.ts'
import { createVolunteer } from './volunteer.ts'

declare global {
  interface Window {
    /** For scripts that watch the page. */
    layerswarm?: { snapshot(): PeerSnapshot }
  }
}

installTrustedScripts()
const { options, complaints } = parsePageOptions(location.search)
const server = options.join ?? folderOf(new URL(location.href))
const swarmKey = takeKey(window, server)
// A link with another key was opened in this tab.
addEventListener('hashchange', () => {
  if (keyInLink(location.href) === undefined) return
  takeKey(window, server)
  location.reload()
})
const complaint = serverComplaint(new URL(location.href), server)
if (complaint !== undefined) complaints.push(complaint)
let manifest: Manifest | undefined
let otherServers: readonly string[] = []

const classifier = createClassifier({
  pictureChanged: (picture, seen) => page.showPicture(picture, seen),
  runChanged: (run) => page.showRun(run),
  asked: (request) => page.own(request),
})

const servers = () => [server.href, ...otherServers]
const session = createSession({
  place: { servers, swarmKey },
  options,
  manifest: () => manifest,
  prepare: (signal, received) => fetchRuntime(options.engine, received, signal),
  events: {
    looked(snapshot, images, joining) {
      volunteer.looked(snapshot, images)
      page.show(snapshot, images, joining)
    },
    moved: (request, route) => page.showMove(request, route),
    movedInRounds: (request, route, rounds) => page.showRounds(request, route, rounds),
    joined(peer) {
      learn(peer.manifest)
      classifier.setPeer(peer)
    },
    left(problem) {
      classifier.setPeer(undefined)
      isPausedByHand = false
      page.showThanks(volunteer.left())
      page.showNotice(problem && sentence(problem))
    },
  },
})

let others = 0
let isPausedByHand = false
/** Tabs of one browser give together what was chosen for one. */
const shared = (share: Share): Share => ({ ...share, time: shareOfTab(share.time, others) })
const volunteer = createVolunteer(deviceStorage(), {
  rested(reason) {
    page.showRest(reason)
    if (reason !== undefined) session.pause()
    else if (!isPausedByHand) session.resume()
  },
  recorded: (line) => page.showRecord(line),
  tabsChanged(count) {
    others = count
    page.showTabs(tabsText(count))
    session.setShare(shared(page.share))
  },
})
const lab = createLabCard(server)
const page: Page = createPage(options, parseSwarmKey(swarmKey), volunteer, {
  ...session,
  setRules: volunteer.setRules,
  join(share) {
    page.showNotice(undefined)
    page.showThanks(undefined)
    session.join(shared(share))
  },
  pause() {
    isPausedByHand = true
    session.pause()
  },
  resume() {
    isPausedByHand = false
    session.resume()
  },
  setShare(share) {
    volunteer.keepShare(share)
    session.setShare(shared(share))
  },
  choose(picture) {
    lab.choose(picture)
    classifier.choose(picture)
  },
  allSamples: () => fetchSamples(),
  preparation: () => manifest?.preprocessing,
  setOrders: classifier.setOrders,
  setRounds: classifier.setRounds,
  setTwice: classifier.setTwice,
})

/** Where choices are kept; undefined where the browser forbids it. */
function deviceStorage(): Storage | undefined {
  try {
    return localStorage
  } catch {
    return undefined
  }
}

function learn(next: Manifest) {
  manifest = next
  classifier.setManifest(next)
  lab.setManifest(next)
  const { name, spec, labels } = next
  const keeps = keepsOrder(spec)
  page.setModel({ name, layers: spec.layers, labels, keepsOrder: keeps, manifest: next })
}

/** Asks until the server says which model it offers: it may be away for a moment, or this tab offline. */
async function loadRelease() {
  for (let tries = 0; manifest === undefined; tries++) {
    try {
      const offer = await fetchOffer(server)
      learn(offer.manifest)
      otherServers = offer.others
      page.showOffer(offer)
      if (tries > 0) page.showNotice(undefined)
    } catch (error) {
      page.showNotice(`${errorText(error)} The page asks again every few seconds.`)
      await new Promise((resolve) => setTimeout(resolve, SERVER_RETRY_MS))
    }
  }
}

/** @param first only so many; all where it is left out. */
async function fetchSamples(first?: number) {
  const samples = parseSamples(...(await fetchSampleFiles(server, first)))
  lab.setSamples(samples)
  return samples
}

async function loadSamples() {
  try {
    const samples = await fetchSamples(SAMPLES_SHOWN_MAX)
    page.showSamples(samples)
  } catch (error) {
    page.showProblem(`No samples: ${errorText(error)} Draw or upload a picture instead.`)
  }
}

window.layerswarm = { snapshot: () => structuredClone(session.snapshot()) }
page.show(session.snapshot(), 0, AWAY)
if (complaints.length > 0) page.showNotice(complaints.join(' '))
if (options.simulate !== undefined) lab.compare(options.simulate)
void loadSamples()
void keepShell()
watchSwarm(server, () => isOutside(session.snapshot()), page.showSeen)
await loadRelease()
// A link with a mistake in it joins only when a person says so.
if (options.autojoin && complaints.length === 0) session.autojoin(shared(page.share))
