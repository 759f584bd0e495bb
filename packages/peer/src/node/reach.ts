/** How another peer is connected to this one: only a direct connection carries work, a relayed one introduces the two. */
export type Reach = 'direct' | 'relayed' | 'none'
/** What carries a direct connection; `none` when there is none. */
export type Carrier = 'webrtc' | 'tcp' | 'websocket' | 'none'
/** `connected`: presence flows. `reserved`: and others can be introduced to this peer. `lost`: neither. */
export type RelayState = 'connected' | 'reserved' | 'lost'

/** Whether an address leads by way of a relay, which WebRTC needs to begin with. */
export function isCircuit(address: string): boolean {
  return address.includes('/p2p-circuit')
}
