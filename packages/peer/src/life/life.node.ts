import type { WatchLife } from './life.ts'

/** A Node process stops by `stop`; when it is killed its sockets tell the others. */
export const watchLife: WatchLife = () => () => undefined
