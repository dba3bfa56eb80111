/** Locations and areas (TS-0004 6.3.5, location and geoQuery): GeoJSON coordinates by type, and how two of them lie to each other, on a plane. */

import type { Json } from './content.ts'

type Position = readonly [x: number, y: number]
type Line = readonly Position[]
/** The outer ring, then the holes. */
type Polygon = readonly Line[]

/** What a geometry is made of; all but one of the three are empty. */
export interface Geometry {
  readonly points: readonly Position[]
  readonly lines: readonly Line[]
  readonly polygons: readonly Polygon[]
}

/** TS-0004 6.3.4, geometryType. */
const GeometryType = { POINT: 1, LINE: 2, POLYGON: 3, POINTS: 4, LINES: 5, POLYGONS: 6 } as const

/** TS-0004 6.3.4, geoSpatialFunctionType. */
export const GeoSpatialFunction = { WITHIN: 1, CONTAINS: 2, INTERSECTS: 3 } as const

/** The geometry of a type and its coordinates as JSON text; undefined when they are none, or of another type. */
export function parseGeometry(type: number, text: string): Geometry | undefined {
  let value: Json
  try {
    value = JSON.parse(text) as Json
  } catch {
    // Whatever it is, it is no coordinates.
    return undefined
  }
  const nothing: Geometry = { points: [], lines: [], polygons: [] }
  const some = <T>(name: keyof Geometry, items: readonly T[] | undefined) =>
    items === undefined || items.length === 0 ? undefined : { ...nothing, [name]: items }
  const one = <T>(item: T | undefined) => (item === undefined ? undefined : [item])
  switch (type) {
    case GeometryType.POINT:
      return some('points', one(position(value)))
    case GeometryType.LINE:
      return some('lines', one(line(value, 2)))
    case GeometryType.POLYGON:
      return some('polygons', one(polygon(value)))
    case GeometryType.POINTS:
      return some('points', all(value, position))
    case GeometryType.LINES:
      return some(
        'lines',
        all(value, (item) => line(item, 2)),
      )
    case GeometryType.POLYGONS:
      return some('polygons', all(value, polygon))
    default:
      return undefined
  }
}

function all<T>(value: Json, read: (item: Json) => T | undefined): readonly T[] | undefined {
  if (!Array.isArray(value)) return undefined
  const items = value.map((item: Json) => read(item))
  return items.includes(undefined) ? undefined : (items as readonly T[])
}

/** A height may follow, and is not looked at. */
function position(value: Json): Position | undefined {
  if (!Array.isArray(value) || value.length < 2 || value.length > 3) return undefined
  return value.every((item: Json) => typeof item === 'number' && Number.isFinite(item))
    ? [value[0] as number, value[1] as number]
    : undefined
}

function line(value: Json, least: number): Line | undefined {
  const positions = all(value, position)
  return positions !== undefined && positions.length >= least ? positions : undefined
}

/** Rings end where they began. */
function polygon(value: Json): Polygon | undefined {
  const rings = all(value, (item) => line(item, 4))
  return rings !== undefined && rings.length > 0 && rings.every((ring) => isSame(ring[0], ring.at(-1)))
    ? rings
    : undefined
}

function isSame(one: Position | undefined, other: Position | undefined): boolean {
  return one !== undefined && other !== undefined && one[0] === other[0] && one[1] === other[1]
}

/** Whether `one` lies to `other` as the function says; false for a function that is none. */
export function relates(one: Geometry, geoSpatialFunction: number, other: Geometry): boolean {
  switch (geoSpatialFunction) {
    case GeoSpatialFunction.WITHIN:
      return isWithin(one, other)
    case GeoSpatialFunction.CONTAINS:
      return isWithin(other, one)
    case GeoSpatialFunction.INTERSECTS:
      return intersect(one, other)
    default:
      return false
  }
}

/** Every corner, and the middle between any two, is covered, and no edge leaves. */
function isWithin(inner: Geometry, outer: Geometry): boolean {
  if (!corners(inner).every((corner) => covers(outer, corner))) return false
  return edges(inner).every(
    ([from, to]) =>
      covers(outer, [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2]) &&
      !outer.polygons.flatMap(ringEdges).some((edge) => cross(from, to, edge[0], edge[1])),
  )
}

function intersect(one: Geometry, other: Geometry): boolean {
  return (
    corners(one).some((corner) => covers(other, corner)) ||
    corners(other).some((corner) => covers(one, corner)) ||
    edges(one).some(([from, to]) => edges(other).some((edge) => cross(from, to, edge[0], edge[1])))
  )
}

function corners({ points, lines, polygons }: Geometry): readonly Position[] {
  return [...points, ...lines.flat(), ...polygons.flat(2)]
}

type Edge = readonly [from: Position, to: Position]

function edges({ lines, polygons }: Geometry): readonly Edge[] {
  return [...lines.flatMap(lineEdges), ...polygons.flatMap(ringEdges)]
}

function ringEdges(rings: Polygon): readonly Edge[] {
  return rings.flatMap(lineEdges)
}

function lineEdges(positions: Line): readonly Edge[] {
  return positions.slice(1).map((to, index) => [positions[index] as Position, to])
}

/** Whether a position lies in a geometry; borders belong to it. */
function covers({ points, lines, polygons }: Geometry, at: Position): boolean {
  return (
    points.some((point) => isSame(point, at)) ||
    lines.some((each) => lineEdges(each).some(([from, to]) => isOn(at, from, to))) ||
    polygons.some((rings) => isInside(at, rings))
  )
}

function isInside(at: Position, rings: Polygon): boolean {
  if (ringEdges(rings).some(([from, to]) => isOn(at, from, to))) return true
  // A ray to the right crosses the rings, holes included, an odd number of times.
  let isIn = false
  for (const [[x1, y1], [x2, y2]] of ringEdges(rings))
    if (y1 > at[1] !== y2 > at[1] && at[0] < ((x2 - x1) * (at[1] - y1)) / (y2 - y1) + x1) isIn = !isIn
  return isIn
}

/** Positive when `c` lies to the left of the way from `a` to `b`, 0 on it. */
function side(a: Position, b: Position, c: Position): number {
  return Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))
}

function isOn(at: Position, from: Position, to: Position): boolean {
  return (
    side(from, to, at) === 0 &&
    at[0] >= Math.min(from[0], to[0]) &&
    at[0] <= Math.max(from[0], to[0]) &&
    at[1] >= Math.min(from[1], to[1]) &&
    at[1] <= Math.max(from[1], to[1])
  )
}

/** Whether two edges cross, each from one side of the other to the other side. */
function cross(a: Position, b: Position, c: Position, d: Position): boolean {
  return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0
}
