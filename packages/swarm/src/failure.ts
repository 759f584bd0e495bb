/** What a request was short of when its time was over. */
export type Missing =
  /** The stem had not run on this peer, so there was nothing to ask with. */
  | { what: 'stem' }
  /** Nobody who is known hosts these. */
  | { what: 'hosts'; layers: readonly number[] }
  /** This peer has only just come, and nobody had said yet who hosts what. */
  | { what: 'news' }
  /** These were asked and said nothing. */
  | { what: 'replies'; peers: readonly string[] }
  /** Hosts are there, the request was left to whoever answers first, and nobody took it on. */
  | { what: 'takers' }
  /** Enough layers have run, and their result has not come from whoever holds it. */
  | { what: 'result'; peer: string }
  /** Their result is here, and the head has not run over it; `reason`: the engine's own line where it failed. */
  | { what: 'head'; reason: string | undefined }
  /** This peer was at work. */
  | { what: 'time'; peer: string }

/** Why a request has no answer. */
export type FailureFault =
  | { code: 'no-providers' }
  | { code: 'deadline-passed'; deadlineMs: number; hops: number; missing: Missing }
  | { code: 'too-few-layers'; applied: number; wanted: number; missing: Missing }
  | { code: 'stem-failed'; reason: string }
  | { code: 'head-failed'; reason: string }
  | { code: 'cancelled' }

/** One line for people: why there is no answer, and what to do. */
export function failureLine(fault: FailureFault): string {
  switch (fault.code) {
    case 'no-providers':
      return 'no answer: nobody in this swarm hosts a layer; start a peer (`layerswarm peer --join URL`) or open the page in a tab and press Join'
    case 'deadline-passed':
      return `no answer within ${fault.deadlineMs} ms: ${missingLine(fault.missing, fault.hops)}`
    case 'too-few-layers':
      return `no answer: ${tooFewLine(fault)}`
    case 'stem-failed':
      return `no answer: this peer could not run the stem: ${fault.reason}`
    case 'head-failed':
      return `no answer: this peer could not run the head on the result: ${fault.reason}`
    case 'cancelled':
      return 'the request was cancelled'
    default:
      return fault satisfies never
  }
}

/** One layer is the least that can be asked for, and nobody need ask for it. */
function tooFewLine({
  applied,
  wanted,
  missing,
}: Extract<FailureFault, { code: 'too-few-layers' }>): string {
  const why = missingLine(missing, applied)
  if (wanted <= 1) return `no layer could be applied: ${why}`
  const layers = applied === 1 ? '1 layer' : `${applied} layers`
  return `only ${layers} could be applied and at least ${wanted} were asked for: ${why}, or ask for fewer layers`
}

function missingLine(missing: Missing, hops: number): string {
  switch (missing.what) {
    case 'stem':
      return 'this peer had not run the stem yet: its file has not come, or the engine is busy; ask again, or allow more time'
    case 'hosts':
      return `nobody is known who hosts ${listed('layer', missing.layers)}; start a peer that does (\`layerswarm peer --join URL --layers ${missing.layers.join(',')}\`)`
    case 'news':
      return 'this peer has only just come and had not heard yet who hosts what; ask again, or allow more time'
    case 'replies':
      return `${listed('peer', missing.peers.map(shortName))} did not answer; ask again, and others are asked first`
    case 'takers':
      return 'hosts are there and none of them took the request on, they are full or cannot be reached; ask again later, or start a peer'
    case 'result':
      return `the layers ran, and peer ${shortName(missing.peer)} did not hand their result over; ask again`
    case 'head':
      return missing.reason === undefined
        ? 'the layers ran, and this peer had not run the head over their result, its engine is busy; allow more time'
        : `the layers ran, and the head failed on this peer: ${missing.reason}; ask again`
    case 'time':
      return `peer ${shortName(missing.peer)} was still at work after ${hops} layers; allow more time with a longer deadline`
    default:
      return missing satisfies never
  }
}

function listed(noun: string, items: readonly (number | string)[]): string {
  return `${noun}${items.length === 1 ? '' : 's'} ${items.join(', ')}`
}

/** Peer ids begin alike. */
function shortName(peer: string): string {
  return `…${peer.slice(-6)}`
}
