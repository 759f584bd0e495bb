/**
 * The base of every package's one error class: `message` is a line for people, `fault` is for
 * programs. A package names its faults as a union of `{ code, …data }`, so that whoever catches one
 * can switch over the code and has the data of that case; a fault is plain data, so that it crosses
 * a worker by `postMessage`.
 */
export abstract class CodedError<Fault extends { readonly code: string }> extends Error {
  /** What is wrong, as data. */
  readonly fault: Fault

  /** @param options the error that caused this one. */
  constructor(fault: Fault, message: string, options?: ErrorOptions) {
    super(message, options)
    this.fault = fault
  }

  /** The name of the fault. */
  get code(): Fault['code'] {
    return this.fault.code
  }
}
