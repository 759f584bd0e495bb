import type { PeerSnapshot } from '@layerswarm/peer'
import type { Joining } from '../logic/joining.ts'
import type { PageOptions } from '../logic/page-options.ts'
import { sentence } from '../logic/plain-words.ts'
import { bytesText, layersText } from '../logic/wording.ts'
import { byId, html, setLine, setText } from './dom.ts'
import { UNKNOWN_MODEL_CAPACITY_LAYERS } from './limits.ts'

/** What a tab gives at most. */
export interface Share {
  /** Layers to host, 0 to all. */
  readonly layers: number
  /** Part of the time that computing may take, above 0 and at most 1. */
  readonly time: number
}

/** What was chosen on an earlier visit; undefined where nothing was. */
export interface KeptShare {
  readonly layers: number | undefined
  readonly time: number | undefined
}

/** What a person can do about this tab's part in the swarm. */
export interface JoinActions {
  join(share: Share): void
  leave(): void
  pause(): void
  resume(): void
  setShare(share: Share): void
}

/** The panel, and what the person chose in it. */
export interface JoinPanel {
  show(snapshot: PeerSnapshot, joining: Joining): void
  /** Fills the choice of layers once the model is known. */
  setLayers(layers: number): void
  /** Chooses all layers. */
  hostAll(): void
  /** What the person lets the swarm have. */
  readonly share: Share
}

/** A share that lets two tabs cover a model, and leaves work for others. */
function defaultCapacity(layers: number): number {
  return Math.ceil(layers / 2)
}

/**
 * The controls with which a tab joins, pauses, caps its share and leaves.
 * @param kept what was chosen on an earlier visit.
 */
export function createJoinPanel(
  options: PageOptions,
  kept: KeptShare,
  actions: JoinActions,
): JoinPanel {
  const form = byId('join-form', HTMLFormElement)
  const join = byId('join', HTMLButtonElement)
  const pause = byId('pause', HTMLButtonElement)
  const leave = byId('leave', HTMLButtonElement)
  const select = byId('capacity', HTMLSelectElement)
  const time = byId('time-share', HTMLSelectElement)
  const promise = byId('promise', HTMLElement)
  const reason = byId('reason', HTMLElement)
  const detail = byId('join-detail', HTMLElement)
  const pill = byId('state-pill', HTMLElement)
  const state = byId('state', HTMLElement)
  const advice = byId('advice', HTMLElement)
  const showProgress = createJoinProgress()
  let paused = false

  select.disabled = true
  // A choice that this page does not offer leaves the usual one.
  if ([...time.options].some(({ value }) => value === String(kept.time)))
    time.value = String(kept.time)
  const beforehand = options.capacity ?? UNKNOWN_MODEL_CAPACITY_LAYERS
  select.append(capacityOption(beforehand, fixedChoice(options) ?? 'a few'))

  const share = (): Share => ({ layers: Number(select.value), time: Number(time.value) })
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    actions.join(share())
  })
  leave.addEventListener('click', () => actions.leave())
  pause.addEventListener('click', () => (paused ? actions.resume() : actions.pause()))
  for (const choice of [select, time])
    choice.addEventListener('change', () => actions.setShare(share()))

  return {
    get share() {
      return share()
    },
    hostAll() {
      const counts = [...select.options].map(({ value }) => Number(value))
      select.value = String(Math.max(...counts))
      actions.setShare(share())
    },
    setLayers(layers) {
      if (fixedChoice(options) !== undefined || select.options.length > 1) return
      const all = Array.from({ length: layers }, (_, index) => index + 1)
      const chosen = Math.min(options.capacity ?? kept.layers ?? defaultCapacity(layers), layers)
      select.replaceChildren(
        ...all.map((count) =>
          capacityOption(count, count === layers ? `all ${count}` : `${count} of ${layers}`),
        ),
        capacityOption(0, 'none, only ask'),
      )
      select.value = String(chosen)
      select.disabled = false
    },
    show(snapshot, joining) {
      const offline = snapshot.state === 'offline'
      // Frozen, offline or without its engine it is paused too, and goes on by itself.
      paused = snapshot.hold?.by === 'user'
      const hadFocus = document.activeElement === join || document.activeElement === leave
      setText(state, snapshot.state)
      pill.dataset.state = snapshot.state
      promise.hidden = !offline
      setLine(reason, reasonLine(snapshot, joining))
      setLine(detail, joining.stage === 'away' ? joining.problem?.detail : undefined)
      showProgress(joining)
      setLine(advice, snapshot.reloadAdvice)
      join.hidden = !offline
      leave.hidden = offline
      pause.hidden = offline || snapshot.state === 'joining'
      setText(pause, paused ? 'Resume' : 'Pause')
      setText(leave, snapshot.state === 'joining' ? 'Cancel' : 'Leave')
      // A button that disappears under the keyboard must not throw the focus back to the top.
      if (hadFocus && document.activeElement === document.body) (offline ? join : leave).focus()
    },
  }
}

/** What this tab is doing; nothing where the steps of joining or the notice above say it. */
function reasonLine({ reason }: PeerSnapshot, { stage }: Joining): string | undefined {
  if (stage === 'fetching') return undefined
  return stage === 'away' ? 'This tab has not joined' : sentence(reason)
}

/** The steps from the click to serving, with the bytes of the one that takes long. */
function createJoinProgress(): (joining: Joining) => void {
  const place = byId('join-progress', HTMLElement)
  const bar = byId('download-bar', HTMLProgressElement)
  const text = byId('download-text', HTMLElement)
  const steps = JOIN_STAGES.map((stage) => byId(`join-${stage}`, HTMLLIElement))
  return (joining) => {
    place.hidden = joining.stage === 'away' || joining.stage === 'in'
    const now = JOIN_STAGES.indexOf(joining.stage)
    for (const [index, step] of steps.entries()) {
      step.classList.toggle('done', index < now)
      if (index === now) step.setAttribute('aria-current', 'step')
      else step.removeAttribute('aria-current')
    }
    const download = joining.stage === 'fetching' ? joining.download : undefined
    bar.hidden = download === undefined
    if (download === undefined) return setText(text, '')
    bar.max = download.bytes
    bar.value = download.receivedBytes
    setText(text, `${bytesText(download.receivedBytes)} of ${bytesText(download.bytes)}`)
  }
}

const JOIN_STAGES: readonly Joining['stage'][] = ['fetching', 'meeting']

function capacityOption(count: number, text: string): HTMLOptionElement {
  return html('option', { text, attributes: { value: String(count) } })
}

/** What the address decided already, for people. */
function fixedChoice(options: PageOptions): string | undefined {
  if (options.serve === 'auto') return undefined
  return options.serve === 'none' ? 'none, only ask' : layersText(options.serve)
}
