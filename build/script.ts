/** How the scripts of this checkout speak to whoever runs them: what they do, when they are asked, and in one line what keeps them from it. */

/** With `--help`, tells what there is to tell and ends the process. */
export function explain(text: string): void {
  if (!process.argv.slice(2).some((word) => word === '--help' || word === '-h')) return
  process.stdout.write(`${text}\n`)
  process.exit(0)
}

/** Ends the process for a reason that is not the script's fault. */
export function refuse(reason: string): never {
  process.stderr.write(`${reason}\n`)
  process.exit(1)
}
