import { type LabRun, labRunLink } from '../logic/lab-run.ts'
import { bytesText, durationText, percentText } from '../logic/wording.ts'
import { copyText } from '../ui/copy-text.ts'
import { byId, html, setLine, setText } from '../ui/dom.ts'
import { saveButton } from '../ui/save-button.ts'
import type { ComparedPolicy, Comparison } from './serve-simulations.ts'
import { openSimulator, type Simulator } from './simulator.ts'

/** The form that asks for a run; what of the page it is made of. */
interface Form {
  readonly scenario: HTMLSelectElement
  readonly peers: HTMLInputElement
  readonly requests: HTMLInputElement
  readonly seed: HTMLInputElement
}

/**
 * Opens the comparison of all policies in virtual time. @param folder the page's own address. @param first runs at once.
 * @throws Error with one line when no worker starts.
 */
export async function openCompare(folder: URL, first: LabRun | undefined): Promise<void> {
  const simulator = await openSimulator()
  const form: Form = {
    scenario: byId('compare-scenario', HTMLSelectElement),
    peers: byId('compare-peers', HTMLInputElement),
    requests: byId('compare-requests', HTMLInputElement),
    seed: byId('compare-seed', HTMLInputElement),
  }
  offerScenarios(form.scenario, simulator)
  const begin = createRunner(simulator, folder)
  const place = byId('compare-form', HTMLFormElement)
  place.addEventListener('submit', (event) => {
    event.preventDefault()
    begin(askedFor(form))
  })
  place.hidden = false
  if (first === undefined) return
  fill(form, first)
  begin(first)
}

function offerScenarios(select: HTMLSelectElement, { scenarios }: Simulator) {
  const about = byId('compare-about', HTMLElement)
  const tell = () =>
    setText(about, scenarios.find(({ name }) => name === select.value)?.about ?? '')
  select.replaceChildren(...scenarios.map(({ name }) => html('option', { text: name })))
  select.addEventListener('change', tell)
  tell()
}

function askedFor({ scenario, peers, requests, seed }: Form): LabRun {
  return {
    scenario: scenario.value,
    peers: peers.valueAsNumber,
    requests: requests.valueAsNumber,
    seed: seed.valueAsNumber,
  }
}

function fill(form: Form, { scenario, peers, requests, seed }: LabRun) {
  form.scenario.value = scenario
  form.scenario.dispatchEvent(new Event('change'))
  form.peers.valueAsNumber = peers
  form.requests.valueAsNumber = requests
  form.seed.valueAsNumber = seed
}

/** @returns what runs a simulation and shows what comes of it. */
function createRunner(simulator: Simulator, folder: URL): (run: LabRun) => void {
  const start = byId('compare-run', HTMLButtonElement)
  const stop = byId('compare-stop', HTMLButtonElement)
  const status = byId('compare-status', HTMLElement)
  const result = byId('compare-result', HTMLElement)

  function standing(isRunning: boolean, line: string | undefined) {
    start.hidden = isRunning
    stop.hidden = !isRunning
    setLine(status, line)
  }

  stop.addEventListener('click', () => {
    simulator.stop()
    standing(false, 'Stopped.')
  })
  return (run) => {
    result.hidden = true
    standing(true, 'Settling the simulated peers…')
    simulator.run(run, {
      progressed: (line) => setLine(status, line),
      failed: (problem) => standing(false, problem),
      compared(comparison) {
        showResult(result, comparison, run, folder)
        standing(false, undefined)
      },
    })
  }
}

function showResult(place: HTMLElement, comparison: Comparison, run: LabRun, folder: URL) {
  const { policies, traceHash, replay, files } = comparison
  byId('compare-rows', HTMLTableSectionElement).replaceChildren(...policies.map(row))
  byId('compare-link', HTMLAnchorElement).href = labRunLink(folder, run)
  setText(byId('compare-command', HTMLElement), replay)
  const copy = byId('compare-copy', HTMLButtonElement)
  copy.onclick = () => void copyText(replay, copy, 'Select the command and copy it')
  const name = `layerswarm-${run.scenario}-${run.seed}`
  byId('compare-files', HTMLElement).replaceChildren(
    saveButton({
      ...{ text: 'Save as JSON', title: 'Everything that was measured.', testid: 'compare-json' },
      type: 'application/json',
      fileName: () => `${name}.json`,
      content: () => files.json,
    }),
    saveButton({
      ...{ text: 'Save as CSV', title: 'A row per policy.', testid: 'compare-csv' },
      type: 'text/csv',
      fileName: () => `${name}.csv`,
      content: () => files.csv,
    }),
    saveButton({
      text: 'Save plots and film',
      title: 'One page with plots, and one request played back message by message.',
      testid: 'compare-film',
      type: 'text/html',
      fileName: () => `${name}.html`,
      content: () => files.html,
    }),
  )
  place.dataset.trace = traceHash
  place.hidden = false
}

function row({ name, about, figures }: ComparedPolicy): HTMLTableRowElement {
  const { answeredShare, partialShare, p50Ms, p95Ms, bytesPerRequest, wastedComputeShare } = figures
  const cells = [
    percentText(answeredShare),
    percentText(partialShare),
    durationText(p50Ms),
    durationText(p95Ms),
    bytesText(bytesPerRequest),
    percentText(wastedComputeShare),
  ]
  const head = html('th', { text: name, attributes: { scope: 'row', title: about } })
  return html('tr', {}, head, ...cells.map((text) => html('td', { text })))
}
