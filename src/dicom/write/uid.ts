/** Unique identifiers that follow from what they name: the same run gives the same ones. Pure. */
import { createHash } from 'node:crypto';

/** UID under 2.25 from 128 bits of a hash over both texts (PS3.5 B.2). */
export function derivedUid(identity: string, purpose: string): string {
  const hash = createHash('sha256').update(`${identity}/${purpose}`).digest();
  // Version and variant bits of a UUID (version 8: own scheme).
  hash[6] = ((hash[6] as number) & 0x0f) | 0x80;
  hash[8] = ((hash[8] as number) & 0x3f) | 0x80;
  return `2.25.${BigInt(`0x${hash.subarray(0, 16).toString('hex')}`)}`;
}
