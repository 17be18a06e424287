import { describe, expect, it } from 'vitest'

import { combineCrc32c, crc32c, crc32cFromBase64, crc32cToBase64, crc32cToHex, md5 } from '../../src/system/hash.ts'

describe('crc32c', () => {
  it.each([
    ['nothing', new Uint8Array(0), 0x00000000],
    ['the check value of the CRC catalogue', Buffer.from('123456789'), 0xe3069283],
    // RFC 3720, B.4
    ['32 bytes of zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 bytes of ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['32 bytes counting up', Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
    ['32 bytes counting down', Uint8Array.from({ length: 32 }, (_, index) => 31 - index), 0x113fdb5c],
  ])('of %s', (_, bytes, checksum) => {
    expect(crc32c(bytes)).toBe(checksum)
  })

  it('goes on from an earlier checksum', () => {
    expect(crc32c(Buffer.from('6789'), crc32c(Buffer.from('12345')))).toBe(0xe3069283)
  })
})

describe('combineCrc32c', () => {
  it.each([0, 1, 4, 8, 9])('of the check value, cut after %i bytes', cut => {
    const bytes = Buffer.from('123456789')
    const first = crc32c(bytes.subarray(0, cut))
    const second = crc32c(bytes.subarray(cut))
    expect(combineCrc32c(first, second, bytes.length - cut)).toBe(0xe3069283)
  })

  it('equals the direct checksum for any content and any cuts', () => {
    const seed = Date.now() >>> 0
    const random = randomNumbers(seed)
    for (let round = 0; round < 300; round++) {
      const bytes = Buffer.from(Array.from({ length: random(5000) }, () => random(256)))
      let combined = 0
      for (let start = 0, end = 0; start < bytes.length; start = end) {
        end = Math.min(bytes.length, start + 1 + random(2000))
        combined = combineCrc32c(combined, crc32c(bytes.subarray(start, end)), end - start)
      }
      expect(combined, `seed ${seed}, round ${round}`).toBe(crc32c(bytes))
    }
  })

  it('holds for lengths beyond 32 bits: a long run of zeros combined in two ways', () => {
    const zeros = (length: number): number =>
      length === 1 ? crc32c(new Uint8Array(1)) : combineCrc32c(zeros(length / 2), zeros(length / 2), length / 2)
    const pebibyte = doubled(crc32c(new Uint8Array(1)), 50)
    expect(zeros(1024)).toBe(crc32c(new Uint8Array(1024)))
    expect(combineCrc32c(0x12345678, pebibyte, 2 ** 50)).toBe(
      combineCrc32c(
        combineCrc32c(0x12345678, doubled(crc32c(new Uint8Array(1)), 49), 2 ** 49),
        doubled(crc32c(new Uint8Array(1)), 49),
        2 ** 49,
      ),
    )
  })
})

describe('forms of a checksum', () => {
  it.each([
    [0xe3069283, '4waSgw==', 'e3069283'],
    [0, 'AAAAAA==', '00000000'],
    [0xffffffff, '/////w==', 'ffffffff'],
  ])('%i', (checksum, base64, hex) => {
    expect(crc32cToBase64(checksum)).toBe(base64)
    expect(crc32cFromBase64(base64)).toBe(checksum)
    expect(crc32cToHex(checksum)).toBe(hex)
  })

  it.each(['4waSgw==-2', '', 'AAAA', '4waSgwAA', 'crc32c=='])(
    '"%s" is not a full CRC32C in base64 or is read as one',
    text => {
      expect(crc32cFromBase64(text)).toBe(text === 'crc32c==' ? 0x72b737d9 : undefined)
    },
  )
})

it('md5 takes its input in pieces', () => {
  expect(Buffer.from(md5(Buffer.from('ab'), Buffer.from('c'))).toString('hex')).toBe('900150983cd24fb0d6963f7d28e17f72')
})

/** The checksum of a text put behind itself, `times` times over. */
function doubled(checksum: number, times: number): number {
  let result = checksum
  for (let power = 0; power < times; power++) result = combineCrc32c(result, result, 2 ** power)
  return result
}

/** mulberry32: whole numbers below `limit`, the same for the same seed. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed
  return limit => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}
