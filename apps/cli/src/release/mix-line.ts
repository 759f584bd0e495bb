import { laneReleaseIn, type Manifest, releaseId } from '@layerswarm/model'

/** Which of these releases share the lanes of another of them, or why they do not although they name one; a line each. */
export function mixLines(manifests: readonly Manifest[]): string[] {
  const byId = new Map(manifests.map((manifest) => [releaseId(manifest), manifest]))
  return [...byId].flatMap(([id, manifest]) => {
    const lane = laneReleaseIn(manifest, (named) => byId.get(named))
    const other = byId.get(lane.id)
    const name = `${manifest.name} ${id.slice(0, 12)}`
    if (lane.id !== id && other !== undefined)
      return [
        `${name} mixes with ${other.name} ${lane.id.slice(0, 12)}: their peers share its lanes`,
      ]
    return lane.reasons.length === 0 ? [] : [`${name} has lanes of its own: ${lane.reasons[0]}`]
  })
}
