import type { Call, Version } from "./history.js"

/** A state of an agent's chain, from one of its changes to the next. */
export interface State {
  /** The change that led to it; undefined for the initial state, in which nothing is stored. */
  readonly version: Version | undefined
  /** The change that replaced it, if any. */
  readonly next: Version | undefined
}

/** A bound in time, and the call that implies it. */
export interface Bound {
  readonly at: number
  readonly by: Call | undefined
}

/**
 * When each change was made, as far as calls imply. Changes are made in the order of their revisions, so a bound of one
 * change also applies to those after or before it.
 */
export interface Timeline {
  readonly versions: readonly Version[]
  /** Returns the states of an agent's chain, oldest first. */
  statesOf(agentId: string): readonly State[]
  /** Returns the earliest time at which a change was made. */
  earliest(version: Version): Bound
  /** Returns the latest time at which a change was made. */
  latest(version: Version): Bound
  /** Records that a change was made after, or before, a time. Takes effect with `settle`. */
  after(version: Version, at: number, by: Call): void
  before(version: Version, at: number, by: Call): void
  /** Propagates the recorded bounds to the other changes. */
  settle(): void
}

const NEVER: Bound = { at: Number.POSITIVE_INFINITY, by: undefined }
const EVER: Bound = { at: Number.NEGATIVE_INFINITY, by: undefined }

/** Creates a timeline of these changes, with no bounds yet. */
export function createTimeline(changes: readonly Version[]): Timeline {
  const versions = [...changes].sort((left, right) => (left.revision < right.revision ? -1 : 1))
  const place = new Map(versions.map((version, index) => [version, index]))
  const known = versions.map(() => ({ earliest: EVER, latest: NEVER }))
  let settled = known
  const states = statesByAgent(versions)
  const at = <Item>(items: readonly Item[], version: Version) => items[place.get(version) as number] as Item

  const settle = () => {
    settled = known.map((bounds) => ({ ...bounds }))
    settled.reduce(
      (before, bounds) => {
        if (before.earliest.at > bounds.earliest.at) bounds.earliest = before.earliest
        return bounds
      },
      { earliest: EVER, latest: NEVER },
    )
    settled.reduceRight(
      (after, bounds) => {
        if (after.latest.at < bounds.latest.at) bounds.latest = after.latest
        return bounds
      },
      { earliest: EVER, latest: NEVER },
    )
  }

  return {
    versions,
    statesOf: (agentId) => states.get(agentId) ?? [{ version: undefined, next: undefined }],
    earliest: (version) => at(settled, version).earliest,
    latest: (version) => at(settled, version).latest,
    after: (version, moment, by) => {
      const bounds = at(known, version)
      if (moment > bounds.earliest.at) bounds.earliest = { at: moment, by }
    },
    before: (version, moment, by) => {
      const bounds = at(known, version)
      if (moment < bounds.latest.at) bounds.latest = { at: moment, by }
    },
    settle,
  }
}

function statesByAgent(versions: readonly Version[]): Map<string, State[]> {
  const states = new Map<string, State[]>()
  for (const version of versions) {
    const list = states.get(version.agentId) ?? [{ version: undefined, next: undefined }]
    const last = list.pop() as State
    list.push({ version: last.version, next: version }, { version, next: undefined })
    states.set(version.agentId, list)
  }
  return states
}
