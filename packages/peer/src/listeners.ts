/**
 * Tells everybody who listens. One that throws neither keeps the others from hearing it nor ends what is
 * being told of: its error is reported as uncaught, a turn later, as a DOM event's would be.
 */
export function tellAll<Event>(listeners: Iterable<(event: Event) => void>, event: Event): void {
  for (const listener of listeners) {
    try {
      listener(event)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
}
