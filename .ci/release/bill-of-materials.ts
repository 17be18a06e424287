import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { run } from './project.ts'

const billFile = 'nimctl.cdx.json'

interface CycloneDx {
  serialNumber?: string
  metadata: { timestamp: string; component: { name: string; 'bom-ref': string; properties?: unknown } }
  components: { name: string; 'bom-ref': string }[]
  dependencies: { ref: string; dependsOn?: string[] }[]
}

/** Node.js as packages: the npm package does not bring it, and the archives name theirs (provenance). */
const forDevelopment = /^node-linux-\w+@/

/**
 * What the program is made of, as npm writes it from the lock file. What differs each time is set: the time to that of
 * the commit, and no serial number.
 */
export async function writeBillOfMaterials(out: string, committedAt: string): Promise<string> {
  const args = ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application', '--omit=dev', '--package-lock-only']
  const bill: CycloneDx = JSON.parse(await run('npm', args))
  delete bill.serialNumber
  bill.metadata.timestamp = committedAt
  // npm calls it as the directory is called in which it runs.
  bill.metadata.component.name = 'nimctl'
  bill.components = bill.components.filter(component => !forDevelopment.test(component['bom-ref']))
  bill.dependencies = bill.dependencies
    .filter(({ ref }) => !forDevelopment.test(ref))
    .map(({ dependsOn = [], ...rest }) => ({ ...rest, dependsOn: dependsOn.filter(ref => !forDevelopment.test(ref)) }))
  await writeFile(join(out, billFile), `${JSON.stringify(bill, undefined, 2)}\n`)
  return billFile
}
