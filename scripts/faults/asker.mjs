// Who asks while something is done to a swarm, and what became of the requests.
import { setTimeout as pause } from 'node:timers/promises'
import { randomTensor } from '@layerswarm/model'
import { createPeer } from '@layerswarm/peer'
import { joinPatiently, quantile, until } from './processes.mjs'

/** A peer of this process that asks and hosts nothing. @param tap told each message that it says or hears. */
export async function openAsker({ join, host, tap = () => undefined }) {
  const peer = createPeer({
    join,
    ...(host === undefined ? {} : { host }),
    serve: 'none',
    webrtc: false,
    wrapTransport: (transport) => tapped(transport, tap),
  })
  /** How often each request was answered. */
  const answers = new Map()
  peer.on((event) => {
    if (event.type === 'answered')
      answers.set(event.answer.request, (answers.get(event.answer.request) ?? 0) + 1)
  })
  await joinPatiently(() => peer.start())
  const { channels, imageSize } = peer.manifest.spec
  let seed = 0

  const anything = () => randomTensor([1, channels, imageSize, imageSize], seed++)

  /** One request for these images, from the call, with its answer. */
  async function askFor(images, policy) {
    const startMs = performance.now()
    let request
    const ended = (outcome) => ({ request, startMs, ms: performance.now() - startMs, ...outcome })
    try {
      const classification = await peer.classify(images, policy)
      request = classification.request
      const answer = await classification.answer
      return ended({ answer, missing: answer.missingLayers.length })
    } catch (error) {
      return ended({ error: error.message })
    }
  }

  /** One request, and what became of it. */
  async function ask(policy) {
    const { answer: _, ...outcome } = await askFor(anything(), policy)
    return outcome
  }

  return {
    peer,
    ask,
    askFor,
    /** Requests that were answered more than once. */
    twice: () => [...answers.values()].filter((times) => times > 1).length,
    /** So many requests, one every so many milliseconds whatever becomes of those before. */
    async askMany(count, everyMs, policy) {
      const asked = []
      const startMs = performance.now()
      for (let i = 0; i < count; i++) {
        asked.push(ask(policy))
        await pause(Math.max(0, startMs + (i + 1) * everyMs - performance.now()))
      }
      return summary(await Promise.all(asked))
    },
    /** Every layer has a host, and so many of them are connected. */
    met(hosts) {
      const near = () =>
        peer
          .snapshot()
          .peers.filter(({ connection, layers }) => connection === 'direct' && layers.length > 0)
      const lacking = () =>
        peer.snapshot().coverage.flatMap((count, layer) => (count === 0 ? [layer] : []))
      const isMet = () =>
        near().length >= hosts && peer.snapshot().coverage.length > 0 && lacking().length === 0
      const state = () =>
        `it has met ${near().length}, and layers without a host are ${lacking().join(', ') || 'none'}`
      return until(`the asker has met ${hosts} hosts`, isMet, undefined, undefined, state)
    },
    stop: () => peer.stop(),
  }
}

function tapped(transport, tap) {
  return {
    ...transport,
    publish(message) {
      tap(transport.self, message)
      transport.publish(message)
    },
    tell(message, to) {
      tap(transport.self, message)
      transport.tell(message, to)
    },
    listen: (events) =>
      transport.listen({
        ...events,
        messageArrived(from, message, via) {
          tap(from, message)
          events.messageArrived(from, message, via)
        },
      }),
  }
}

/** Counts and quantiles of what `ask` returned. */
export function summary(asked) {
  const answered = asked.filter(({ error }) => error === undefined)
  const times = answered.map(({ ms }) => ms).sort((a, b) => a - b)
  const error = asked.find((one) => one.error !== undefined)?.error
  return {
    requests: asked.length,
    answered: answered.length,
    whole: answered.filter(({ missing }) => missing === 0).length,
    p50Ms: Math.round(quantile(times, 0.5) ?? Number.NaN),
    p95Ms: Math.round(quantile(times, 0.95) ?? Number.NaN),
    ...(error === undefined ? {} : { error }),
  }
}
