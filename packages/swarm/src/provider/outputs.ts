import type { Effect } from '../effects.ts'
import type { RequestId, TensorHash } from '../wire/messages.ts'

/** A provider's own results, which others may still want when whoever went on is gone: kept until the request ends. */
export class Outputs {
  private readonly byRequest = new Map<RequestId, TensorHash[]>()

  keep(request: RequestId, hash: TensorHash): void {
    const outputs = this.byRequest.get(request)
    if (outputs === undefined) this.byRequest.set(request, [hash])
    else outputs.push(hash)
  }

  /** The request has ended. */
  release(request: RequestId): Effect[] {
    const outputs = this.byRequest.get(request) ?? []
    this.byRequest.delete(request)
    return outputs.map((hash) => ({ do: 'withdraw', hash }))
  }
}
