import type { Confirmed } from './ask.ts'

/** What became of asking twice, a line for people. */
export function confirmedLine({ outcome, votes, sharedPeers, failure }: Confirmed): string {
  const said = votes.map(({ label, order }) => `${label} in the order ${order.join(' → ')}`)
  return [
    `${headOf(outcome)}: ${said.join('; ')}`,
    ...partOf(sharedPeers, votes.length),
    ...why(failure),
  ].join('; ')
}

function headOf(outcome: Confirmed['outcome']): string {
  switch (outcome) {
    case 'agreed':
      return 'asked twice, and both agree'
    case 'outvoted':
      return 'asked twice, and they DISAGREED; a third order decided'
    case 'split':
      return 'NOT CONFIRMED, three orders say three things'
    case 'unconfirmed':
      return 'NOT CONFIRMED'
    default:
      return outcome satisfies never
  }
}

function partOf(sharedPeers: readonly string[], votes: number): string[] {
  if (votes < 2) return []
  if (sharedPeers.length === 0) return ['no peer had a part in more than one']
  const count = sharedPeers.length === 1 ? '1 peer' : `${sharedPeers.length} peers`
  return [`${count} had a part in more than one`]
}

function why(failure: string | undefined): string[] {
  return failure === undefined ? [] : [`asked again in vain: ${failure}`]
}
