import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { findNamenodes, withDefaultHost } from '../../src/stores/hdfs/find-namenodes.ts'
import { parseSite, readSite } from '../../src/stores/hdfs/site.ts'

const nameservice = {
  'dfs.nameservices': 'other, zone',
  'dfs.ha.namenodes.zone': 'nn1, nn2',
  'dfs.namenode.http-address.zone.nn1': 'one:9870',
  'dfs.namenode.http-address.zone.nn2': 'two:50070',
  'dfs.namenode.https-address.zone.nn1': 'one:9871',
  'dfs.namenode.https-address.zone.nn2': 'two:9871',
}
const single = { 'fs.defaultFS': 'hdfs://nn:8020', 'dfs.namenode.http-address': 'nn:50070' }

describe('findNamenodes', () => {
  it.each([
    ['webhdfs://nn:9870/x', {}, ['http://nn:9870/']],
    ['webhdfs://nn/x', {}, ['http://nn:9870/']],
    ['swebhdfs://nn/x', {}, ['https://nn:9871/']],
    ['webhdfs://[::1]:9870/x', {}, ['http://[::1]:9870/']],
    ['hdfs://nn:8020/x', {}, ['http://nn:9870/']],
    ['hdfs://nn:8020/x', single, ['http://nn:50070/']],
    ['hdfs://another:8020/x', single, ['http://another:9870/']],
    ['hdfs://nn:8020/x', { ...single, 'dfs.namenode.http-address': '0.0.0.0:1234' }, ['http://nn:1234/']],
    ['hdfs://zone/x', nameservice, ['http://one:9870/', 'http://two:50070/']],
    ['webhdfs://zone/x', nameservice, ['http://one:9870/', 'http://two:50070/']],
    ['swebhdfs://zone/x', nameservice, ['https://one:9871/', 'https://two:9871/']],
    ['hdfs://zone/x', { ...nameservice, 'dfs.http.policy': 'HTTPS_ONLY' }, ['https://one:9871/', 'https://two:9871/']],
  ])('finds for %s with %j: %j', (url, properties, expected) => {
    const { bases } = findNamenodes(new URL(url), new Map(Object.entries(properties)))
    expect(bases.map(base => base.href)).toEqual(expected)
  })

  it.each([
    { ...nameservice, 'dfs.ha.namenodes.zone': 'nn1,nn3' },
    { ...nameservice, 'dfs.namenode.http-address.zone.nn2': 'not an address' },
  ])('says what the configuration lacks: %j', properties => {
    const find = () => findNamenodes(new URL('hdfs://zone/x'), new Map(Object.entries(properties)))
    expect(find).toThrow(expect.objectContaining({ category: 'usage', code: 'HADOOP_CONFIGURATION_INVALID' }))
  })

  it('takes the default file system where none is named', () => {
    const properties = new Map(Object.entries(single))
    expect(withDefaultHost(new URL('hdfs:///x/y'), properties).href).toBe('hdfs://nn:8020/x/y')
    expect(withDefaultHost(new URL('hdfs://zone/x/y'), properties).href).toBe('hdfs://zone/x/y')
    expect(withDefaultHost(new URL('hdfs:///x/y'), new Map()).href).toBe('hdfs:///x/y')
  })
})

describe("Hadoop's configuration", () => {
  it('is read without its comments, and with its entities', () => {
    const xml = `<?xml version="1.0"?><!-- <property><name>a</name><value>no</value></property> -->
      <configuration>
        <property><name> a </name>\n<value>x &amp; y</value><final>true</final></property>
        <property><value/><name>b</name></property>
      </configuration>`
    expect([...parseSite(xml)]).toEqual([['a', 'x & y']])
  })

  it('may lack files, and may not be unreadable', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'nimctl-site-'))
    try {
      expect(await readSite(directory)).toEqual(new Map())
      await writeFile(join(directory, 'core-site.xml'), '<property><name>a</name><value>core</value></property>')
      expect(await readSite(directory)).toEqual(new Map([['a', 'core']]))
      await mkdir(join(directory, 'hdfs-site.xml'))
      await expect(readSite(directory)).rejects.toMatchObject({ code: 'HADOOP_CONFIGURATION_INVALID' })
    } finally {
      await rm(directory, { recursive: true })
    }
  })
})
