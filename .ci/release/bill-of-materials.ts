import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { productionLock } from './production-packages.ts'
import { readPackageFile, run } from './project.ts'

const billFile = 'nimctl.cdx.json'

interface CycloneDx {
  serialNumber?: string
  metadata: { timestamp: string; component: { name: string } }
}

/**
 * What the program is made of on any platform, as npm writes it from the lock file. What differs each time is set: the
 * time to that of the commit, and no serial number.
 *
 * @param work not there yet, for the lock file without what is for development: npm's own `--omit=dev` also leaves out
 * what both need, such as yaml (npm 11.19).
 */
export async function writeBillOfMaterials(request: {
  work: string
  out: string
  committedAt: string
}): Promise<string> {
  const { work, out, committedAt } = request
  await mkdir(work)
  const { devDependencies: _, optionalDependencies: __, ...project } = readPackageFile()
  await writeFile(join(work, 'package.json'), JSON.stringify(project))
  await writeFile(join(work, 'package-lock.json'), JSON.stringify(productionLock()))
  const args = ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only']
  const bill: CycloneDx = JSON.parse(await run('npm', args, work))
  delete bill.serialNumber
  bill.metadata.timestamp = committedAt
  // npm calls it as the directory is called in which it runs.
  bill.metadata.component.name = project.name
  await writeFile(join(out, billFile), `${JSON.stringify(bill, undefined, 2)}\n`)
  return billFile
}
