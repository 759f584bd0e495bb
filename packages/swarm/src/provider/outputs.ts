import type { Effect } from '../effects.ts'
import type { RequestId, TensorHash } from '../wire/messages.ts'

interface Output {
  readonly hash: TensorHash
  /** Layers applied in it. */
  readonly hop: number
}

/** A provider's own results that others may still pull: kept until the request is two hops further, or ends. */
export class Outputs {
  private readonly byRequest = new Map<RequestId, Output[]>()

  keep(request: RequestId, output: Output): void {
    const outputs = this.byRequest.get(request)
    if (outputs === undefined) this.byRequest.set(request, [output])
    else outputs.push(output)
  }

  /** The request has come to this hop. */
  advanced(request: RequestId, hop: number): Effect[] {
    const outputs = this.byRequest.get(request)
    const effects: Effect[] = []
    for (
      let first = outputs?.[0];
      first !== undefined && first.hop + 2 <= hop;
      first = outputs?.[0]
    ) {
      effects.push({ do: 'withdraw', hash: first.hash })
      outputs?.shift()
    }
    return effects
  }

  /** The request has ended. */
  release(request: RequestId): Effect[] {
    const outputs = this.byRequest.get(request) ?? []
    this.byRequest.delete(request)
    return outputs.map(({ hash }) => ({ do: 'withdraw', hash }))
  }
}
