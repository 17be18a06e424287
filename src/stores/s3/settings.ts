/** What flags say of requests to S3 and of the objects that they make, under the names of the AWS CLI. */
export interface S3Settings {
  /** Who pays for requests to a requester-pays bucket. */
  requestPayer?: 'requester'
  /** How the server encrypts what is written; absent: as the bucket does by default. */
  sse?: 'AES256' | 'aws:kms'
  /** Id or ARN; absent: the AWS managed key. */
  sseKmsKeyId?: string
  storageClass?: string
  /** Tags as a query: `team=ml&stage=prod`, percent-encoded. */
  tagging?: string
}

export const encryptionHeader = 'x-amz-server-side-encryption'

/**
 * Headers that the settings add to a request, by what it does. Parts take those of their upload. A copy takes over
 * neither storage class nor encryption of its source, and its tags only where none are given:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
 */
export function settingHeaders(settings: S3Settings): (action: string) => Record<string, string> {
  const { requestPayer, sse, sseKmsKeyId, storageClass, tagging } = settings
  const common = headers({ 'x-amz-request-payer': requestPayer })
  const creating = {
    ...common,
    ...headers({
      [encryptionHeader]: sse,
      'x-amz-server-side-encryption-aws-kms-key-id': sseKmsKeyId,
      'x-amz-storage-class': storageClass,
      'x-amz-tagging': tagging,
    }),
  }
  const byAction: Record<string, Record<string, string>> = {
    PutObject: creating,
    CreateMultipartUpload: creating,
    CopyObject: { ...creating, ...headers({ 'x-amz-tagging-directive': tagging && 'REPLACE' }) },
  }
  return action => byAction[action] ?? common
}

function headers(given: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(given).flatMap(([name, value]) => (value ? [[name, value]] : [])))
}
