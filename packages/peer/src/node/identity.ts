import type { PrivateKey } from '@libp2p/interface'

/** The key behind a peer id. */
export interface Identity {
  readonly privateKey: PrivateKey
  /** Whether the next session will find the same key. */
  readonly persistent: boolean
  /** Lets another process or tab use the key. */
  release(): Promise<void>
}

/**
 * Opens the first key that nobody else uses, making it when it does not exist.
 * @param dataDir Node: where keys are files; undefined for a key that lasts as long as the process.
 * @throws PeerError `bad-identity` when a key exists but cannot be read.
 */
export type OpenIdentity = (dataDir: string | undefined) => Promise<Identity>
