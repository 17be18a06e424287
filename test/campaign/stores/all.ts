import { azure } from './azure.ts'
import type { CampaignStore } from './campaign-store.ts'
import { file } from './file.ts'
import { gs } from './gs.ts'
import { hdfs } from './hdfs.ts'
import { https } from './https.ts'
import { s3, tar } from './s3.ts'

/** A further kind of store is one more line, and its file beside the others. */
export const campaignStores: readonly CampaignStore[] = [s3, tar, file, gs, azure, hdfs, https]
