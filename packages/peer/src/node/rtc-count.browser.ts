/**
 * RTCPeerConnections that this page has made. Chrome lets a page make about 500 in its life,
 * closed ones included, and then throws: a tab has to know when it comes near.
 */
let made = 0
const seen = new WeakSet<RTCPeerConnection>()
const counted = new WeakSet<object>()

/** Makes all later connections count. Idempotent. */
export function countPeerConnections(): void {
  if (typeof RTCPeerConnection === 'undefined') return
  const prototype = RTCPeerConnection.prototype
  if (counted.has(prototype)) return
  counted.add(prototype)
  // The transport listens to each as soon as it is made, be it ever negotiated or not; the constructor may have
  // been copied before this runs.
  const listen: RTCPeerConnection['addEventListener'] = prototype.addEventListener
  prototype.addEventListener = function addEventListener(
    this: RTCPeerConnection,
    ...given: unknown[]
  ) {
    if (!seen.has(this)) {
      seen.add(this)
      made += 1
    }
    return Reflect.apply(listen, this, given)
  }
}

/** RTCPeerConnections that this page has made since it was loaded, closed ones included. */
export function peerConnectionsMade(): number {
  return made
}
