import { serveEcho } from '@layerswarm/peer/echo'

// The other process of the hop bench: says its address, and ends with the one that started it.
process.send?.(await serveEcho())
process.once('disconnect', () => process.exit(0))
