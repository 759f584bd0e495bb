/** Calls back once what else is due has had its turn: a timer would wait a second in a tab in the background. */
export function afterTurn(resume: () => void): void {
  if (typeof setImmediate === 'function') {
    setImmediate(resume)
    return
  }
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => {
    port1.close()
    resume()
  }
  port2.postMessage(undefined)
}
