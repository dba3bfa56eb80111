/** Draws hierarchical addresses as a tree, with the lines that `tree` uses. */

interface Branch {
  readonly children: Map<string, Branch>
}

/** `root` is the address that was asked for; addresses that are not below it stand on their own. */
export function drawTree(root: string, addresses: readonly string[]): string {
  const top: Branch = { children: new Map() }
  for (const address of addresses) {
    const start = address.indexOf(`${root}/`)
    const steps = (start < 0 ? address : address.slice(start + root.length + 1)).split('/')
    let branch = top
    for (const step of steps) {
      const next = branch.children.get(step) ?? { children: new Map() }
      branch.children.set(step, next)
      branch = next
    }
  }
  return [root, ...draw(top, '')].join('\n')
}

function draw({ children }: Branch, indent: string): readonly string[] {
  const last = [...children.keys()].at(-1)
  return [...children].flatMap(([name, branch]) => {
    const isLast = name === last
    return [`${indent}${isLast ? '└── ' : '├── '}${name}`, ...draw(branch, `${indent}${isLast ? '    ' : '│   '}`)]
  })
}
