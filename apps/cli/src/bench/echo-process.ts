import { serveEcho } from '@layerswarm/peer/echo'

// The other process of the hop bench: says its address, and ends with the one that started it.
process.once('disconnect', () => process.exit(0))
const address = await serveEcho()
if (process.connected) process.send?.(address)
