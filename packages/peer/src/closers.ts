/** What was opened so far, to be closed in reverse order. */
export interface Opened {
  /** Keeps what closes one more part. What is opened after all was closed is closed at once. */
  add(close: () => unknown): Promise<void>
  /** Closes all parts, the newest first; one that fails does not keep the others open. Never rejects. */
  closeAll(): Promise<void>
}

/** Nothing is open yet. */
export function createOpened(): Opened {
  const closers: (() => unknown)[] = []
  let closed = false
  async function closeAll(): Promise<void> {
    closed = true
    for (const close of closers.splice(0).reverse()) {
      // One part that fails to close must not keep the others open.
      await Promise.resolve()
        .then(close)
        .catch(() => undefined)
    }
  }
  return {
    async add(close) {
      closers.push(close)
      if (closed) await closeAll()
    },
    closeAll,
  }
}
