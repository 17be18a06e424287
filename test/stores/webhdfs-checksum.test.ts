import { describe, expect, it } from 'vitest'

import { blockChecksum, combinedChecksum, fileChecksum, readChecksum } from '../../src/stores/webhdfs/checksum.ts'

describe('the checksum of HDFS', () => {
  // As HDFS 3.4.2 answered GETFILECHECKSUM.
  it('is that of a server', () => {
    expect(fileChecksum(Buffer.from('hello\n'), 1024)).toBe('2b559725e23eb93541b0675b41e25ab3')
  })

  it('of no bytes is the well-known one (HDFS-4090)', () => {
    expect(fileChecksum(Buffer.alloc(0), 1024)).toBe('70bc8f4b72a86921468bf8e8441dce51')
  })

  it('depends on the size of blocks, and follows from theirs', () => {
    const bytes = Buffer.alloc(5000, 'some bytes')
    expect(fileChecksum(bytes, 1024)).not.toBe(fileChecksum(bytes, 2048))
    const blocks = [0, 2048, 4096].map(start => blockChecksum(bytes.subarray(start, start + 2048)))
    expect(fileChecksum(bytes, 2048)).toBe(combinedChecksum(blocks))
  })

  it.each([
    ['MD5-of-0MD5-of-512CRC32C', '2b559725e23eb93541b0675b41e25ab3'],
    ['MD5-of-131072MD5-of-512CRC32C', '2b559725e23eb93541b0675b41e25ab3'],
    ['MD5-of-0MD5-of-512CRC32', undefined],
    ['MD5-of-0MD5-of-4096CRC32C', undefined],
    ['COMPOSITE-CRC32C', undefined],
  ])('is read from an answer of the kind that we compute: %s', (algorithm, expected) => {
    const bytes = '0000020000000000000000002b559725e23eb93541b0675b41e25ab300000000'
    expect(readChecksum({ algorithm, bytes })).toBe(expected)
  })
})
