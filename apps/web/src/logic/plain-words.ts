import type { EngineName } from '@layerswarm/model'
import { SwarmError } from '@layerswarm/swarm'
import { CLASS_NAMES_SHOWN } from '../limits.ts'
import { durationText, errorText, layersText } from './wording.ts'

/** What a device computes with, for people; the engine's own name stands in the details. */
export function engineWord(backend: string | undefined): string {
  if (backend === undefined) return '–'
  return GRAPHICS.has(backend) ? 'graphics card' : 'processor'
}

const GRAPHICS: ReadonlySet<string> = new Set<EngineName>(['ort-webgpu', 'tfjs-webgpu'])

/** Why there is no answer, and what to do, for a visitor of the page. */
export function noAnswerText(error: unknown): string {
  if (!(error instanceof SwarmError)) return sentence(errorText(error))
  const { fault } = error
  switch (fault.code) {
    case 'no-providers':
      return 'Nobody in this swarm hosts a layer at present. Host some in this tab or another, or invite others.'
    case 'too-few-layers':
      return `Only ${fault.applied} layers could be applied, too few for an answer. Ask again, or host more layers here.`
    case 'deadline-passed':
      return `No answer within ${durationText(fault.deadlineMs)}: ${shortOf(fault.missing)}`
    case 'stem-failed':
    case 'head-failed':
      return 'This tab could not do its own part of the work. Reload the page, and ask again.'
    case 'cancelled':
      return 'Asking was stopped. Choose the picture again to ask once more.'
    default:
      return sentence(errorText(error))
  }
}

/** Why this tab could not join, and what to do; the error's own words stand in the details. */
export function noJoinText(error: unknown): string {
  switch (faultCode(error)) {
    case 'no-engine':
    case 'compute-failed':
      return 'This browser could not start what layers are computed with. Try again; if that fails too, reload the page or use another browser.'
    case 'unreachable':
      return 'The server of this swarm cannot be reached. Is this device online? Try again in a moment.'
    case 'part-unavailable':
      return 'The layers of the model could not be fetched. Try again in a moment.'
    default:
      return sentence(errorText(error))
  }
}

/** Of an error that may have crossed a worker: its class says nothing. */
function faultCode(error: unknown): unknown {
  if (!(error instanceof Error) || !('fault' in error)) return undefined
  const { fault } = error
  return typeof fault === 'object' && fault !== null && 'code' in fault ? fault.code : undefined
}

type Missing = Extract<SwarmError['fault'], { code: 'deadline-passed' }>['missing']

function shortOf(missing: Missing): string {
  switch (missing.what) {
    case 'stem':
      return 'this tab was still busy with its own part. Ask again.'
    case 'hosts':
      return `nobody hosts ${layersText(missing.layers)}. Host more layers here, or invite others.`
    case 'news':
      return 'this tab has only just come, and nobody had said yet who hosts what. Ask again.'
    case 'replies':
      return 'those who were asked did not answer. Ask again, and others are asked first.'
    case 'takers':
      return 'all hosts are busy or out of reach. Ask again in a moment.'
    case 'result':
      return 'the layers ran, and their result did not come. Ask again.'
    case 'head':
      return 'the layers ran, and this tab had no time to read their result. Ask again.'
    case 'time':
      return 'a peer was still at work. Ask again.'
    default:
      return missing satisfies never
  }
}

/** Begins with a capital letter, unless it begins with a name: of a file, of a place. */
export function sentence(line: string): string {
  return /^[a-z]+(?:[ ,;]|:(?!\/))/.test(line) ? line.charAt(0).toUpperCase() + line.slice(1) : line
}

/** What a model can tell apart, so that nobody expects more of it. */
export function knowsText(labels: readonly string[]): string {
  const count = labels.length
  const names = labels.slice(0, CLASS_NAMES_SHOWN).join(', ')
  const rest = count > CLASS_NAMES_SHOWN ? ` and ${count - CLASS_NAMES_SHOWN} more` : ''
  return `The model knows ${count} kinds of picture: ${names}${rest}. Whatever else a picture shows, it is called the nearest of these, sometimes with great confidence.`
}
