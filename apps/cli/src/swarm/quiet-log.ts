/** What every start of a swarm says, and nobody needs to read while all is well. */
const ROUTINE =
  /^(info |volunteer \d+: ((joining|serving|connected to|computing with|hosting layers?|moved to lane)\b|offline: stopped$))/

/** A log without the lines that only tell that all goes as it should. */
export function unlessRoutine(tell: (line: string) => void): (line: string) => void {
  return (line) => {
    if (!isRoutine(line)) tell(line)
  }
}

/** Whether a line of the log only tells that all goes as it should. */
export function isRoutine(line: string): boolean {
  return ROUTINE.test(line)
}
