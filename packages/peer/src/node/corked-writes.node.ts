import { Socket } from 'node:net'
import type { ConnectionEncrypter, MessageStream } from '@libp2p/interface'

/**
 * The same encryption, over sockets that write once per turn of the event loop. Noise hands the length
 * of each record, two bytes, and the record itself to the socket one after the other: a write and a
 * segment each, and the receiver is woken twice. Held back until all microtasks of the turn are done,
 * they go out in one write, together with whatever else the turn says to that peer: a step and its
 * tensor, or the flow control and the receipt of one that came in. What is not written to a socket of
 * Node's, a WebSocket or a circuit, stays as it is.
 */
export function corkedWrites<Needs>(
  create: (needs: Needs) => ConnectionEncrypter,
): (needs: Needs) => ConnectionEncrypter {
  return (needs) => {
    const encrypter = create(needs)
    const { secureInbound, secureOutbound } = encrypter
    return Object.assign(encrypter, {
      async secureInbound(...words: Parameters<typeof secureInbound>) {
        const secured = await secureInbound.apply(encrypter, words)
        cork(words[0])
        return secured
      },
      async secureOutbound(...words: Parameters<typeof secureOutbound>) {
        const secured = await secureOutbound.apply(encrypter, words)
        cork(words[0])
        return secured
      },
    })
  }
}

function cork(connection: MessageStream): void {
  const socket = socketOf(connection)
  if (socket === undefined) return
  let isHeld = false
  const release = () => {
    isHeld = false
    socket.uncork()
  }
  const hold = () => {
    if (isHeld) return
    isHeld = true
    socket.cork()
    // Microtasks queue further ones, and the next tick begins when none is left.
    queueMicrotask(() => process.nextTick(release))
  }
  const send = connection.send.bind(connection)
  connection.send = (data) => {
    hold()
    return send(data)
  }
  // A full socket is written to again when it has drained, without another `send`.
  connection.addEventListener('drain', hold)
}

/** The socket that libp2p's TCP transport writes to; its types do not name it. */
function socketOf(connection: MessageStream): Socket | undefined {
  return 'socket' in connection && connection.socket instanceof Socket
    ? connection.socket
    : undefined
}
