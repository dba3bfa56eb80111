import assert from 'node:assert/strict'
import test from 'node:test'
import { type Geometry, parseGeometry, relates } from '../../src/onem2m/geometry.ts'

const read = (type: number, coordinates: unknown) =>
  parseGeometry(type, typeof coordinates === 'string' ? coordinates : JSON.stringify(coordinates))

const square = (from: number, to: number) => [
  [from, from],
  [to, from],
  [to, to],
  [from, to],
  [from, from],
]

test('coordinates are those of their type, or none (GeoJSON, TS-0004 6.3.5)', () => {
  for (const [type, coordinates] of [
    [1, [13.4, 52.5]],
    [1, [13.4, 52.5, 34]],
    [
      2,
      [
        [1, 1],
        [2, 2],
      ],
    ],
    [3, [square(0, 4)]],
    [3, [square(0, 4), square(1, 2)]],
    [4, [[1, 1]]],
    [
      5,
      [
        [
          [1, 1],
          [2, 2],
        ],
      ],
    ],
    [6, [[square(0, 4)]]],
  ] as const)
    assert.notEqual(read(type, coordinates), undefined, JSON.stringify([type, coordinates]))
  for (const [type, coordinates] of [
    [1, [13.4]],
    [1, ['13.4', '52.5']],
    [1, [1, 2, 3, 4]],
    [1, 'no JSON'],
    [1, 'null'],
    [1, [[1, 1]]],
    [2, [[1, 1]]],
    [3, [square(0, 4).slice(1)]],
    [3, [square(0, 4).slice(0, 3)]],
    [3, []],
    [4, []],
    [7, [1, 1]],
  ] as const)
    assert.equal(read(type, coordinates), undefined, JSON.stringify([type, coordinates]))
})

test('within, contains and intersects, borders included and holes not', () => {
  const area = read(3, [square(0, 10), square(4, 6)]) as Geometry
  const u = read(3, [
    [
      [0, 0],
      [10, 0],
      [10, 10],
      [8, 10],
      [8, 2],
      [2, 2],
      [2, 10],
      [0, 10],
      [0, 0],
    ],
  ]) as Geometry
  for (const [type, coordinates, isWithin, intersects] of [
    [1, [1, 1], true, true],
    [1, [0, 5], true, true],
    [1, [5, 5], false, false],
    [1, [11, 5], false, false],
    [
      2,
      [
        [1, 1],
        [9, 1],
      ],
      true,
      true,
    ],
    [
      2,
      [
        [1, 5],
        [9, 5],
      ],
      false,
      true,
    ],
    [
      2,
      [
        [-1, 5],
        [11, 5],
      ],
      false,
      true,
    ],
    [3, [square(1, 3)], true, true],
    [3, [square(9, 12)], false, true],
    [3, [square(-5, 20)], false, true],
    [3, [square(20, 30)], false, false],
    [
      4,
      [
        [1, 1],
        [11, 11],
      ],
      false,
      true,
    ],
  ] as const) {
    const other = read(type, coordinates) as Geometry
    const place = JSON.stringify(coordinates)
    assert.equal(relates(other, 1, area), isWithin, place)
    assert.equal(relates(area, 2, other), isWithin, `${place} contained`)
    assert.equal(relates(other, 3, area), intersects, `${place} intersects`)
    assert.equal(relates(area, 3, other), intersects, `intersects ${place}`)
  }
  assert.equal(
    relates(
      read(2, [
        [1, 9],
        [9, 9],
      ]) as Geometry,
      1,
      u,
    ),
    false,
    'between the arms of a U it is outside',
  )
})
