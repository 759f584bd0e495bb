import { ERROR_LINE_CHARS_MAX } from './limits.ts'

/**
 * The base of every package's one error class: `message` is a line for people, `fault` is for
 * programs. A package names its faults as a union of `{ code, …data }`, so that whoever catches one
 * can switch over the code and has the data of that case; a fault is plain data, so that it crosses
 * a worker by `postMessage`. A message quotes what came from outside, so it is made one line of bounded
 * length here, without what steers a terminal.
 */
export abstract class CodedError<Fault extends { readonly code: string }> extends Error {
  /** What is wrong, as data. */
  readonly fault: Fault

  /** @param options the error that caused this one. */
  constructor(fault: Fault, message: string, options?: ErrorOptions) {
    super(lineOf(message), options)
    this.fault = fault
  }

  /** The name of the fault. */
  get code(): Fault['code'] {
    return this.fault.code
  }
}

/** Controls, what else ends a line (U+2028, U+2029), and spaces beside them. */
const CONTROLS = / *[\p{Cc}\p{Zl}\p{Zp}]+ */gu

/** Text from outside as one line that steers no terminal: controls and ends of lines become spaces. */
export function oneLine(text: string): string {
  return text.replace(CONTROLS, ' ').trim()
}

function lineOf(message: string): string {
  const line = oneLine(message.slice(0, ERROR_LINE_CHARS_MAX))
  return message.length > ERROR_LINE_CHARS_MAX ? `${line}…` : line
}
