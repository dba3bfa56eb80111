/** Which requests read a list of points: neighbours share one, as far as the device lets them. */

import { registerCount, type Table } from './codec.ts'
import type { PointSpecification } from './setting-table.ts'

export interface Block {
  readonly table: Table
  readonly address: number
  readonly count: number
  readonly points: readonly PointSpecification[]
}

/** Points in the order of their addresses; a gap that is read for nothing is at most `maxGap` wide, a request at most `maxCount`. */
export function blocksOf(points: readonly PointSpecification[], maxGap: number, maxCount: number): readonly Block[] {
  const blocks: Block[] = []
  for (const [table, ofTable] of Map.groupBy(points, (point) => point.table)) {
    for (const point of ofTable.toSorted((left, right) => left.register - right.register)) {
      const before = blocks.at(-1)
      const end = point.register + widthOf(point)
      if (
        before?.table === table &&
        point.register - (before.address + before.count) <= maxGap &&
        end - before.address <= maxCount
      ) {
        const count = Math.max(before.count, end - before.address)
        blocks[blocks.length - 1] = { ...before, count, points: [...before.points, point] }
      } else blocks.push({ table, address: point.register, count: widthOf(point), points: [point] })
    }
  }
  return blocks
}

/** Of coils and discrete inputs, one each. */
function widthOf({ table, type, length }: PointSpecification): number {
  return table === 'coil' || table === 'discrete' ? 1 : registerCount(type, length)
}
