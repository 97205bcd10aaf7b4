/**
 * How the samples of a picture lie in memory: tightly packed where they come from, with rows and planes rounded up where GStreamer
 * wants them. Pure.
 *
 * Rows are widened to whole blocks of the JPEG, because its encoder reads on behind a shorter row, into whatever lies there.
 * The columns that are not part of the picture repeat its last one, so that they leave no trace in the blocks that they
 * share with it. A block is 16 pixels wide where the colour is halved, else 8; one block more than the picture's
 * own width needs would shear it for every reader of the JPEG, because `narrowJpeg` changes the width alone.
 */
import type { PictureSize } from '../vocabulary/frame.js';
import { isFourToOne } from './picture-format.js';

/** GStreamer's names. */
export type PixelFormat = 'GRAY8' | 'I420' | 'Y42B' | 'Y444' | 'RGB' | 'RGBx';

interface Plane {
  /** Bytes of one sample. */
  readonly step: number;
  readonly rowBytes: number;
  readonly rows: number;
  readonly paddedRowBytes: number;
  readonly paddedRows: number;
}

export interface SampleLayout {
  readonly planes: readonly Plane[];
  readonly packedBytes: number;
  readonly paddedBytes: number;
  /** Width that GStreamer is told; at least the picture's own. */
  readonly paddedWidth: number;
  /** The samples lie as GStreamer wants them already. */
  readonly isPacked: boolean;
}

/** Block width of the JPEG that a picture of this format becomes: 4:2:0 stays 4:2:0, everything else becomes 4:4:4 (launch.ts). */
const blockWidthOf = (format: PixelFormat): number => (isFourToOne(format) ? 16 : 8);

export function layoutOf(size: PictureSize, format: PixelFormat): SampleLayout {
  const blockWidth = blockWidthOf(format);
  const paddedWidth = Math.ceil(size.width / blockWidth) * blockWidth;
  const plane = (step: number, across = 1, down = 1): Plane => ({
    step,
    rowBytes: Math.ceil(size.width / across) * step,
    rows: Math.ceil(size.height / down),
    paddedRowBytes: (paddedWidth / across) * step,
    // GStreamer rounds the height of 4:2:0 pictures up to even.
    paddedRows: format === 'I420' ? (Math.ceil(size.height / 2) * 2) / down : size.height,
  });
  const planes: Record<PixelFormat, () => Plane[]> = {
    GRAY8: () => [plane(1)],
    RGB: () => [plane(3)],
    RGBx: () => [plane(4)],
    I420: () => [plane(1), plane(1, 2, 2), plane(1, 2, 2)],
    Y42B: () => [plane(1), plane(1, 2), plane(1, 2)],
    Y444: () => [plane(1), plane(1), plane(1)],
  };
  const list = planes[format]();
  return {
    planes: list,
    packedBytes: list.reduce((sum, { rowBytes, rows }) => sum + rowBytes * rows, 0),
    paddedBytes: list.reduce((sum, { paddedRowBytes, paddedRows }) => sum + paddedRowBytes * paddedRows, 0),
    paddedWidth,
    isPacked: list.every((p) => p.rowBytes === p.paddedRowBytes && p.rows === p.paddedRows),
  };
}

/** Collects one packed picture after the other out of chunks that are cut anywhere. */
export class PictureAssembler {
  readonly #layout: SampleLayout;
  #picture: Buffer;
  #filled = 0;
  /** Where the next byte belongs: plane, row within it, byte within the row. */
  #plane = 0;
  #row = 0;
  #column = 0;
  #planeStart = 0;

  constructor(layout: SampleLayout) {
    this.#layout = layout;
    this.#picture = Buffer.allocUnsafeSlow(layout.paddedBytes);
  }

  /** Whether bytes of an unfinished picture are held. */
  get isEmpty(): boolean {
    return this.#filled === 0;
  }

  /**
   * Take bytes from `chunk` at `offset` on, up to the end of the picture in hand.
   * @returns how many were taken, and the picture where it is finished: padded, in memory of its own
   */
  take(chunk: Uint8Array, offset: number): { readonly taken: number; readonly picture: Buffer | null } {
    const { packedBytes } = this.#layout;
    const taken = Math.min(chunk.length - offset, packedBytes - this.#filled);
    let at = offset;
    const end = offset + taken;
    while (at < end) {
      const plane = this.#layout.planes[this.#plane];
      if (plane === undefined) throw new Error('a picture has more bytes than planes');
      const { rowBytes, paddedRowBytes, rows } = plane;
      // Rows that follow each other without a gap are moved in one go.
      const inOneGo =
        rowBytes === paddedRowBytes
          ? rowBytes * rows - (this.#row * rowBytes + this.#column)
          : rowBytes - this.#column;
      const count = Math.min(end - at, inOneGo);
      this.#picture.set(
        chunk.subarray(at, at + count),
        this.#planeStart + this.#row * paddedRowBytes + this.#column,
      );
      at += count;
      const column = this.#column + count;
      this.#row += Math.floor(column / rowBytes);
      this.#column = column % rowBytes;
      if (this.#row === rows) {
        this.#fillEdges(plane);
        this.#planeStart += paddedRowBytes * plane.paddedRows;
        this.#plane += 1;
        this.#row = 0;
      }
    }
    this.#filled += taken;
    if (this.#filled < packedBytes) return { taken, picture: null };
    const picture = this.#picture;
    this.#picture = Buffer.allocUnsafeSlow(this.#layout.paddedBytes);
    this.#filled = 0;
    this.#plane = 0;
    this.#planeStart = 0;
    return { taken, picture };
  }

  #fillEdges({ step, rowBytes, rows, paddedRowBytes, paddedRows }: Plane): void {
    const start = this.#planeStart;
    if (rowBytes < paddedRowBytes)
      for (let row = 0; row < rows; row += 1) {
        const end = start + row * paddedRowBytes + rowBytes;
        for (let at = end; at < end + paddedRowBytes - rowBytes; at += 1)
          this.#picture[at] = this.#picture[at - step] ?? 0;
      }
    for (let row = rows; row < paddedRows; row += 1)
      this.#picture.copyWithin(
        start + row * paddedRowBytes,
        start + (row - 1) * paddedRowBytes,
        start + row * paddedRowBytes,
      );
  }
}

/** A whole packed picture as GStreamer wants it; without a copy where it lies so already. */
export function padPicture(packed: Uint8Array, layout: SampleLayout): Buffer {
  if (packed.length !== layout.packedBytes)
    throw new RangeError(`a picture of ${packed.length} bytes, expected ${layout.packedBytes}`);
  if (layout.isPacked) return Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const { picture } = new PictureAssembler(layout).take(packed, 0);
  if (picture === null) throw new Error('a whole picture was not enough');
  return picture;
}

/** Tightly packed RGB rows out of rows that GStreamer has rounded up to four bytes; without a copy where there is no gap. */
export function unpadRgb(padded: Uint8Array, size: PictureSize): Uint8Array {
  const rowBytes = size.width * 3;
  const strideBytes = (rowBytes + 3) & ~3;
  if (strideBytes === rowBytes) return padded;
  const out = new Uint8Array(rowBytes * size.height);
  for (let y = 0; y < size.height; y += 1)
    out.set(padded.subarray(y * strideBytes, y * strideBytes + rowBytes), y * rowBytes);
  return out;
}
