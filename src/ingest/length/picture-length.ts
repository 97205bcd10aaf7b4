/** What a container's own tables say about the length of its picture. Type only. */
export interface PictureLength {
  /** From the first picture to the end of the last; null where the tables do not say. */
  readonly seconds: number | null;
  /** Whether the file is shorter than its tables say; null: the tables cannot tell, so it is cut if fewer seconds can be read. */
  readonly cut: boolean | null;
}
