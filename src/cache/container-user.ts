import { userInfo } from 'node:os'

/** `UID:GID` of whoever runs nimctl, so that the files in the cache belong to them. */
export function invokingUser(): string {
  const { uid, gid } = userInfo()
  return `${uid}:${gid}`
}
