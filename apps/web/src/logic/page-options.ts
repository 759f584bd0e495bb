import type { EngineName } from '@layerswarm/model'
import { folderOf } from '@layerswarm/peer/join-url'
import { LAYERS_MAX } from '../limits.ts'
import { LAB_RUN_FORM, type LabRun, parseLabRun } from './lab-run.ts'

/** What the address bar may ask of the page. */
export interface PageOptions {
  readonly engine: 'auto' | EngineName
  /** Exact layers to host, or how to choose them. */
  readonly serve: 'auto' | 'none' | readonly number[]
  /** Layers to host when `serve` is `auto`; undefined = all. */
  readonly capacity: number | undefined
  readonly autojoin: boolean
  /** The swarm's server, as the folder below which it answers; undefined for the page's own. */
  readonly join: URL | undefined
  /** A simulation to run again; undefined for none. */
  readonly simulate: LabRun | undefined
}

/** A page without options hosts what the swarm lacks, and joins when it is asked to. */
export const PAGE_DEFAULTS: PageOptions = Object.freeze({
  engine: 'auto',
  serve: 'auto',
  capacity: undefined,
  autojoin: false,
  join: undefined,
  simulate: undefined,
})

/** Engines that run in a browser tab. */
const TAB_ENGINES: readonly EngineName[] = ['ort-webgpu', 'ort-wasm', 'tfjs-webgpu', 'reference']

/** The options of a query string such as `?engine=ort-wasm&layers=2,5`, and one line per value that makes no sense. */
export function parsePageOptions(query: string): { options: PageOptions; complaints: string[] } {
  const parameters = new URLSearchParams(query)
  const complaints: string[] = []
  /** The parsed parameter, or its default when it is absent or wrong. */
  function read<T>(
    name: string,
    fallback: T,
    parse: (text: string) => T | undefined,
    allowed: string,
  ): T {
    const text = parameters.get(name)
    if (text === null) return fallback
    const value = parse(text)
    if (value !== undefined) return value
    complaints.push(`In the address, ?${name}=${shorten(text)} is ignored: it must be ${allowed}.`)
    return fallback
  }
  const options: PageOptions = {
    engine: read(
      'engine',
      PAGE_DEFAULTS.engine,
      parseEngine,
      `auto or one of ${TAB_ENGINES.join(', ')}`,
    ),
    serve: read(
      'layers',
      PAGE_DEFAULTS.serve,
      parseServe,
      `auto, none, or layer numbers from 0 to ${LAYERS_MAX - 1}, such as 2,5`,
    ),
    capacity: read(
      'capacity',
      PAGE_DEFAULTS.capacity,
      parseCapacity,
      `a whole number from 0 to ${LAYERS_MAX}`,
    ),
    autojoin: read('autojoin', PAGE_DEFAULTS.autojoin, parseSwitch, '1 or 0'),
    join: read('join', PAGE_DEFAULTS.join, parseJoin, 'a server as https://swarm.example/'),
    simulate: read('simulate', PAGE_DEFAULTS.simulate, parseLabRun, LAB_RUN_FORM),
  }
  return { options, complaints }
}

/** Why a list of layers does not fit a model, or undefined when it does. */
export function layersComplaint(serve: PageOptions['serve'], layers: number): string | undefined {
  if (typeof serve === 'string') return undefined
  const strangers = serve.filter((layer) => layer >= layers)
  if (strangers.length === 0) return undefined
  return `In the address, ?layers= asks for layer ${strangers.join(', ')}, but this model has layers 0 to ${layers - 1}.`
}

/** Why a page cannot reach the server that its address names, or undefined when it may. */
export function serverComplaint(page: URL, server: URL): string | undefined {
  if (page.protocol !== 'https:' || server.protocol === 'https:') return undefined
  return `This page came over https, and browsers let it reach no server without: ?join=${shorten(server.href)} must begin with https.`
}

function parseEngine(text: string): PageOptions['engine'] | undefined {
  return text === 'auto' ? 'auto' : TAB_ENGINES.find((name) => name === text)
}

function parseServe(text: string): PageOptions['serve'] | undefined {
  if (text === 'auto' || text === 'none') return text
  const layers = text.split(',').map((part) => parseWhole(part.trim(), LAYERS_MAX - 1))
  const known = layers.filter((layer) => layer !== undefined)
  if (known.length < layers.length) return undefined
  return [...new Set(known)].sort((a, b) => a - b)
}

function parseCapacity(text: string): number | undefined {
  return parseWhole(text, LAYERS_MAX)
}

function parseSwitch(text: string): boolean | undefined {
  if (text === '1') return true
  return text === '0' ? false : undefined
}

function parseJoin(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? folderOf(url) : undefined
}

function parseWhole(text: string, max: number): number | undefined {
  if (!/^\d{1,3}$/.test(text)) return undefined
  const value = Number(text)
  return value <= max ? value : undefined
}

function shorten(text: string): string {
  return text.length > 24 ? `${text.slice(0, 24)}…` : text
}
