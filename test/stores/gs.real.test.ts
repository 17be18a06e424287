import { describe } from 'vitest'

import { startFakeGcs, startGcpStorageEmulator } from '../servers/gcs.ts'
import { multipartContract } from './contract-multipart.ts'
import { describeStoreContract } from './contract.ts'
import { gsServer } from './gs-server.ts'

/** Google refuses it, so nimctl does. */
const unlike = ['line\nbreak']

describe('fake-gcs-server', () => {
  const { open } = gsServer(startFakeGcs)
  describeStoreContract('gs', open, unlike, { tellsUploads: false, resumes: false })
})

describe('gcp-storage-emulator', () => {
  const { open } = gsServer(startGcpStorageEmulator)
  multipartContract(open)
})
