import type { ScenarioName } from '@layerswarm/lab'

/** Which of the lab's scenarios there are, without the lab: the compiler holds the two lists together. */
const SCENARIOS: Readonly<Record<ScenarioName, true>> = {
  calm: true,
  tabs: true,
  volunteers: true,
  harsh: true,
  'flash-crowd': true,
  'mass-leave': true,
  partition: true,
  stragglers20: true,
  liars10: true,
  liars25: true,
  sybils50: true,
  flood: true,
  'only-copy': true,
  idle: true,
  lanes: true,
  'vitb-home': true,
}

/** The names of the scenarios, for the completion of shells. */
export const SCENARIO_WORDS: readonly string[] = Object.keys(SCENARIOS)
