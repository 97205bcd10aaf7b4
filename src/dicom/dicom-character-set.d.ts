/** What is used of dicom-character-set, which has no types of its own. */
declare module 'dicom-character-set' {
  /**
   * @param specificCharacterSet value of (0008,0005)
   * @throws Error for a name or an escape that it does not know
   */
  export function convertBytes(
    specificCharacterSet: string | undefined,
    bytes: Uint8Array,
    options?: { readonly vr?: string },
  ): string;
}
