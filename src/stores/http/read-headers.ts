/** For a part of an object, as long as it has its ETag (RFC 9110, 13.1.1 and 14.2). */
export function readHeaders({
  range,
  ifMatch,
}: {
  range: { start: number; end: number } | undefined
  ifMatch?: string | undefined
}): Record<string, string> {
  return {
    ...(range !== undefined && { range: `bytes=${range.start}-${range.end}` }),
    ...(ifMatch !== undefined && { 'if-match': `"${ifMatch}"` }),
  }
}
