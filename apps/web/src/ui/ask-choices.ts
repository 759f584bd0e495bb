import type { Manifest } from '@layerswarm/model'
import { type RoundsChoice, type RoundsOffer, roundsOffers } from '../logic/rounds-choice.ts'
import { byId, html } from './dom.ts'

/** Who is told what was chosen, at once and at every change. */
export interface AskActions {
  setOrders(orders: number): void
  /** Whether it is asked in two disjoint orders instead, and in a third when they disagree. */
  setTwice(twice: boolean): void
  setRounds(rounds: RoundsChoice): void
}

/** What of a release says how it can be asked. */
export interface Askable {
  /** Its layers run in their own order only. */
  readonly keepsOrder: boolean
  readonly manifest: Pick<Manifest, 'rounds' | 'spec'>
}

/** How the next picture is asked: in how many orders, and how many of its layers at once. */
export interface AskChoices {
  /** Shows what there is to choose of a release. */
  offer(release: Askable): void
}

/** Brings the two lines under the route to life. */
export function createAskChoices(actions: AskActions): AskChoices {
  const offerOrders = createOrderChoice(actions)
  const offerRounds = createRoundsChoice(actions.setRounds)
  return {
    offer({ keepsOrder, manifest }) {
      offerOrders(!keepsOrder)
      offerRounds(roundsOffers(manifest))
    },
  }
}

/** @returns what says whether there is more than one order to ask in. */
function createOrderChoice({
  setOrders,
  setTwice,
}: Pick<AskActions, 'setOrders' | 'setTwice'>): (isOffered: boolean) => void {
  const select = byId('orders', HTMLSelectElement)
  const twice = byId('twice', HTMLInputElement)
  const tell = () => {
    // Asking twice makes its orders itself.
    select.disabled = twice.checked
    setOrders(Number(select.value))
    setTwice(twice.checked)
  }
  for (const input of [select, twice]) input.addEventListener('change', tell)
  // Browsers keep a choice over a reload.
  tell()
  return (isOffered) => {
    byId('ask-in', HTMLElement).hidden = !isOffered
    if (!isOffered) {
      select.value = '1'
      twice.checked = false
    }
    tell()
  }
}

/** @returns what says which rounds there are to choose. */
function createRoundsChoice(
  setRounds: (rounds: RoundsChoice) => void,
): (offers: readonly RoundsOffer[]) => void {
  const select = byId('rounds', HTMLSelectElement)
  let known: readonly RoundsOffer[] = []
  const tell = () => setRounds(known.find(({ value }) => value === select.value)?.rounds ?? 'off')
  select.addEventListener('change', tell)
  return (offers) => {
    byId('ask-rounds', HTMLElement).hidden = offers.length === 0
    const chosen = select.value
    known = offers
    select.replaceChildren(
      ...offers.map(({ value, text }) => html('option', { text, attributes: { value } })),
    )
    select.value = offers.some(({ value }) => value === chosen) ? chosen : 'off'
    tell()
  }
}
