/**
 * `<layer-swarm join="https://…">` for pages: joins a swarm, shows how it stands, and asks it. Asking
 * lends nothing; `serve="auto"` or `serve="2,5"` lends the visitor's processor, shown with a button that
 * pauses it. Either way a browser fetches the one runtime that it computes with, 14 to 27 MB before
 * compression.
 *
 * Attributes: `join`, the swarm's server, the page's own when it is left away, with the key of
 * a private swarm behind `#key=`, which makes every visitor a member; `serve`; `capacity`, how
 * many layers `serve="auto"` hosts (2); `release`, its id or name (the first that is offered). When one
 * changes, the element leaves and joins anew. It sets `state` itself, for style sheets: `joining`,
 * `serving` (which whoever only asks is too), `paused` or `offline`. While its servers are away it tries again by
 * itself, for some minutes, and says so; after that, or for any other reason, taking the element out and putting it in
 * again does.
 */
import type { ClassifyPolicy } from '@layerswarm/swarm'
import { pause } from '../deadline.ts'
import { PeerError } from '../errors.ts'
import type { ImageAnswer, ImageSource } from '../images/image-source.ts'
import { ATTRIBUTE_SHOWN_CHARS_MAX, ELEMENT_LOOK_MS } from '../limits.ts'
import { joinRetry } from '../meeting/join-retry.ts'
import type { PeerOptions } from '../options.ts'
import { createPeer, type Peer, type PeerEvent } from '../peer.ts'
import type { PeerSnapshot, PeerState } from '../snapshot.ts'

/** What the element tells, as `detail` of events that bubble, by their names. */
export interface LayerSwarmEvents {
  /** It has joined, left or paused, or is a step further in joining. */
  'swarm-state': { readonly state: PeerState; readonly reason: string }
  /** It has run a layer for somebody. */
  'swarm-hop': { readonly layer: number; readonly ms: number }
  /** Its own `classifyImage` was answered. */
  'swarm-answer': ImageAnswer
  /** It could not join. What `classifyImage` fails with, it throws. */
  'swarm-error': { readonly message: string }
}

declare global {
  interface HTMLElementTagNameMap {
    'layer-swarm': LayerSwarmElement
  }
  /** Of elements, document and window: the events bubble. */
  interface GlobalEventHandlersEventMap {
    'swarm-state': CustomEvent<LayerSwarmEvents['swarm-state']>
    'swarm-hop': CustomEvent<LayerSwarmEvents['swarm-hop']>
    'swarm-answer': CustomEvent<LayerSwarmEvents['swarm-answer']>
    'swarm-error': CustomEvent<LayerSwarmEvents['swarm-error']>
  }
}

/** A `<layer-swarm>` in a page; it is in the swarm as long as it is in the document. */
export interface LayerSwarmElement extends HTMLElement {
  /** The peer behind it; undefined without a good `join`, and outside of a document. */
  readonly peer: Peer | undefined
  /** Waits until it has joined, then asks. @throws as `Peer.classifyImage`, and what kept it from joining. */
  classifyImage(source: ImageSource, policy?: Partial<ClassifyPolicy>): Promise<ImageAnswer>
}

const STYLE = `
  :host { display: inline-flex; align-items: center; gap: 0.5em; font: inherit }
  :host([hidden]) { display: none }
  i { width: 0.6em; height: 0.6em; border-radius: 50%; background: currentColor; opacity: 0.3 }
  :host([state="serving"]) i { background: #2a9d5c; opacity: 1 }
  :host([state="joining"]) i { background: #c98a1b; opacity: 1 }
  button { font: inherit; padding: 0 0.5em }
`

/** Attributes that another peer is made for when they change. */
const ATTRIBUTES = ['join', 'serve', 'capacity', 'release'] as const

/** Where a page is rendered by a server there is nothing to extend, and nothing is made of it either. */
const PageElement = globalThis.HTMLElement ?? (class {} as typeof HTMLElement)

class SwarmElement extends PageElement implements LayerSwarmElement {
  static readonly observedAttributes = ATTRIBUTES
  peer: Peer | undefined
  /** Begun; an element that the script finds in the page hears of its attributes before, while it is connected already. */
  private isPlaced = false
  private joined: Promise<void> = Promise.resolve()
  private looking: ReturnType<typeof setInterval> | undefined
  private left = new AbortController()
  /** Why it has not joined yet, and when it tries again. */
  private waiting: string | undefined
  private readonly text = document.createElement('span')
  private readonly button = document.createElement('button')

  constructor() {
    super()
    // A sheet of its own, which pages allow that forbid styles in their HTML.
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(STYLE)
    this.text.role = 'status'
    this.button.type = 'button'
    this.button.hidden = true
    this.button.addEventListener('click', () => this.pauseOrResume())
    const root = this.attachShadow({ mode: 'open' })
    root.adoptedStyleSheets = [sheet]
    root.append(document.createElement('i'), this.text, this.button)
  }

  connectedCallback(): void {
    this.isPlaced = true
    this.begin()
  }

  disconnectedCallback(): void {
    this.isPlaced = false
    this.end()
  }

  attributeChangedCallback(_: string, before: string | null, now: string | null): void {
    if (!this.isPlaced || before === now) return
    this.end()
    this.begin()
  }

  async classifyImage(source: ImageSource, policy?: Partial<ClassifyPolicy>): Promise<ImageAnswer> {
    const { peer } = this
    await this.joined
    if (peer === undefined) throw notJoined()
    const answer = await peer.classifyImage(source, policy).catch((error: unknown) => {
      if (this.peer === peer) throw error
      const line = 'this element has left the swarm that was asked; ask again'
      throw new PeerError({ code: 'stopped' }, line, { cause: error })
    })
    this.tell('swarm-answer', answer)
    return answer
  }

  private begin(): void {
    try {
      const peer = createPeer(optionsOf(this))
      this.peer = peer
      peer.on((event) => this.noticed(peer, event))
      this.looking = setInterval(() => this.show(peer.snapshot()), ELEMENT_LOOK_MS)
      this.joined = this.join(peer, this.left.signal)
    } catch (error) {
      this.joined = Promise.reject(error)
    }
    const { peer } = this
    this.joined.catch((error: unknown) => {
      if (this.peer === peer) this.failed(error instanceof Error ? error.message : String(error))
    })
  }

  private async join(peer: Peer, left: AbortSignal): Promise<void> {
    for (let failures = 0; ; failures++) {
      try {
        return await peer.start()
      } catch (error) {
        const retry = left.aborted ? undefined : joinRetry(error, failures)
        if (retry === undefined) throw error
        this.waiting = retry.line
        this.show(peer.snapshot())
        this.tell('swarm-state', { state: 'joining', reason: retry.line })
        await pause(retry.waitMs, left)
        if (left.aborted) throw error
        this.waiting = undefined
      }
    }
  }

  private end(): void {
    const { peer } = this
    this.peer = undefined
    this.waiting = undefined
    this.left.abort()
    this.left = new AbortController()
    clearInterval(this.looking)
    this.joined = Promise.reject(notJoined())
    this.joined.catch(() => undefined)
    this.button.hidden = true
    this.setAttribute('state', 'offline')
    void peer?.stop()
  }

  private noticed(peer: Peer, event: PeerEvent): void {
    if (this.peer !== peer) return
    this.show(peer.snapshot())
    if (event.type === 'hop-served') this.tell('swarm-hop', { layer: event.layer, ms: event.ms })
    if (event.type !== 'state-changed') return
    this.tell('swarm-state', { state: event.state, reason: event.reason })
  }

  private show(snapshot: PeerSnapshot): void {
    const { waiting } = this
    const state = waiting === undefined ? snapshot.state : 'joining'
    const words = waiting === undefined ? wordsOf(snapshot) : `${state}: ${waiting}`
    this.setAttribute('state', state)
    // A reader of the screen says it anew each time that it is set.
    if (this.text.textContent !== words) this.text.textContent = words
    // Whoever only asks lends nothing that could be paused.
    const isMember = state === 'serving' || state === 'paused'
    this.button.hidden = !isMember || optionsOf(this).serve === 'none'
    const does = state === 'paused' ? 'Resume' : 'Pause'
    if (this.button.textContent !== does) this.button.textContent = does
  }

  private failed(message: string): void {
    clearInterval(this.looking)
    this.setAttribute('state', 'offline')
    this.text.textContent = message
    this.tell('swarm-error', { message })
  }

  private pauseOrResume(): void {
    if (this.peer?.snapshot().state === 'paused') this.peer.resume()
    else this.peer?.pause()
  }

  private tell<Name extends keyof LayerSwarmEvents>(
    name: Name,
    detail: LayerSwarmEvents[Name],
  ): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }))
  }
}

/**
 * Makes the element known to this page, once; every later call does nothing.
 * @param name of the element, with a hyphen.
 */
export function defineLayerSwarm(name = 'layer-swarm'): void {
  // A class of its own per name, as a page asks for.
  if (customElements.get(name) === undefined) {
    customElements.define(name, class extends SwarmElement {})
  }
}

function notJoined(): PeerError {
  return new PeerError({ code: 'not-started' }, 'this element is in no document, so in no swarm')
}

/**
 * What the attributes ask for, this page's own server without `join`.
 * @throws PeerError `bad-options`; what can be read is checked where the peer is made.
 */
function optionsOf(element: HTMLElement): Partial<PeerOptions> & Pick<PeerOptions, 'join'> {
  // Nobody lends his processor by leaving something out.
  const serve = element.getAttribute('serve')?.trim() || 'none'
  const join = element.getAttribute('join') ?? ''
  const capacity = element.getAttribute('capacity')
  return {
    join: URL.canParse(join, document.baseURI) ? new URL(join, document.baseURI).href : join,
    serve: servedLayers(serve),
    ...(capacity === null ? {} : { capacity: wholeNumber('capacity', capacity) }),
    release: element.getAttribute('release') ?? undefined,
  }
}

function servedLayers(text: string): PeerOptions['serve'] {
  if (text === 'auto' || text === 'none') return text
  if (/^\d+(\s*,\s*\d+)*$/.test(text)) return text.split(',').map(Number)
  throw badAttribute('serve', 'auto, none or layers as in "2,5"', text)
}

function wholeNumber(name: string, text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  throw badAttribute(name, 'a whole number', text)
}

function badAttribute(field: string, wanted: string, text: string): PeerError {
  const message = `${field} must be ${wanted}, not "${text.slice(0, ATTRIBUTE_SHOWN_CHARS_MAX)}"`
  return new PeerError({ code: 'bad-options', field }, message)
}

function wordsOf({ state, reason, peerId, peers, hostedLayers, served }: PeerSnapshot): string {
  if (state === 'offline' || state === 'joining') return `${state}: ${reason}`
  const known = peers.filter(({ id }) => id !== peerId)
  const connected = known.filter(({ connection }) => connection === 'direct').length
  const some = connected === known.length ? '' : ` (${connected} connected)`
  const others = `${known.length} other${known.length === 1 ? '' : 's'}${some}`
  if (state === 'paused') return `paused, ${others}, ${served} hops run`
  return hostedLayers.length === 0
    ? `in the swarm with ${others}`
    : `${state}: ${hostedLayers.length} layers here, ${others}, ${served} hops run`
}
