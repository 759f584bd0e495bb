import type { Manifest } from '@layerswarm/model'
import type { PeerSnapshot } from '@layerswarm/peer'
import { createClassifier } from './classifier.ts'
import { parsePageOptions } from './logic/page-options.ts'
import { parseSamples } from './logic/sample-set.ts'
import { errorText } from './logic/wording.ts'
import { createPage, type Page } from './page.ts'
import { fetchRelease, fetchSampleFiles } from './release.ts'
import { createSession } from './session.ts'

declare global {
  interface Window {
    /** For scripts that watch the page. */
    layerswarm?: { snapshot(): PeerSnapshot }
  }
}

const { origin } = location
const { options, complaints } = parsePageOptions(location.search)
let manifest: Manifest | undefined

const classifier = createClassifier({
  pictureChanged: (picture, seen) => page.showPicture(picture, seen),
  runChanged: (run) => page.showRun(run),
})

const session = createSession(origin, options, () => manifest, {
  looked: (snapshot) => page.show(snapshot),
  joined(peer) {
    learn(peer.manifest)
    classifier.setPeer(peer)
  },
  left(problem) {
    classifier.setPeer(undefined)
    page.showNotice(problem)
  },
})

const page: Page = createPage(options, {
  ...session,
  join(capacity) {
    page.showNotice(undefined)
    session.join(capacity)
  },
  choose: classifier.choose,
})

function learn(next: Manifest) {
  manifest = next
  classifier.setManifest(next)
  page.setModel({ name: next.name, layers: next.spec.layers, labels: next.labels })
}

async function loadRelease() {
  try {
    learn(await fetchRelease(origin))
  } catch (error) {
    page.showNotice(errorText(error))
  }
}

async function loadSamples() {
  try {
    page.showSamples(parseSamples(...(await fetchSampleFiles(origin))))
  } catch (error) {
    page.showProblem(`No samples: ${errorText(error)} Draw or upload a picture instead.`)
  }
}

window.layerswarm = { snapshot: () => structuredClone(session.snapshot()) }
page.show(session.snapshot())
if (complaints.length > 0) page.showNotice(complaints.join(' '))
void loadSamples()
await loadRelease()
// A link with a mistake in it joins only when a person says so.
if (options.autojoin && complaints.length === 0) session.join(page.capacity)
