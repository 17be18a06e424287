import { installKubernetes } from './install.ts'

/** node test/cluster/install-main.ts */
process.stdout.write(`${await installKubernetes()}\n`)
