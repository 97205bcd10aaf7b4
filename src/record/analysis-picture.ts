/**
 * Pictures of the analysis channel: what the network saw, as lossless PNG in a foxglove.CompressedImage, so that any
 * viewer shows them. Runs in any Node thread.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import sharp from 'sharp';
import type { AnalysisFrame, PictureSize } from '../vocabulary/frame.js';
import { timestampFromNs } from '../protocol/channels.js';
import { CompressedImageSchema } from '../protocol/generated/foxglove_pb.js';
import { encodeRgbPng } from '../formats/png.js';

export async function encodeAnalysisPicture(
  frame: Pick<AnalysisFrame, 'streamId' | 'data' | 'size'>,
  timestampNs: bigint,
): Promise<Uint8Array> {
  const data = await encodeRgbPng(frame.data, frame.size);
  return toBinary(
    CompressedImageSchema,
    create(CompressedImageSchema, {
      timestamp: timestampFromNs(timestampNs),
      frameId: frame.streamId,
      format: 'png',
      data,
    }),
  );
}

/** uint8 RGB, height × width × 3, exactly as recorded. */
export async function decodeAnalysisPicture(
  message: Uint8Array,
): Promise<{ readonly data: Uint8Array; readonly size: PictureSize }> {
  const { data: png } = fromBinary(CompressedImageSchema, message);
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  return { data, size: { width: info.width, height: info.height } };
}
