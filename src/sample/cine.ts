/** A scene as an Ultrasound Multi-frame Image (PS3.3 A.7), JPEG baseline, with one calibrated region as large as the picture. */
import sharp from 'sharp';
import {
  attributeTag,
  dataSet,
  double,
  encapsulatedStart,
  fileStart,
  fragmentHeader,
  item,
  sequence,
  sequenceEnd,
  text,
  unsignedLong,
  unsignedShort,
} from '../dicom/write/elements.js';
import { derivedUid } from '../dicom/write/uid.js';
import { decimal } from '../dicom/write/values.js';
import type { SyntheticScene } from '../ingest/synthetic/index.js';

const ultrasoundMultiFrame = '1.2.840.10008.5.1.4.1.1.3.1';
const jpegBaseline = '1.2.840.10008.1.2.4.50';
const frameTimeTag = 0x00181063;

/** @param name of the series; objects of one `study` belong together. The scene must have a scale. */
export async function dicomCine(
  scene: SyntheticScene,
  frames: number,
  { name, number, study }: { readonly name: string; readonly number: number; readonly study: string },
): Promise<Buffer> {
  const { width, height } = scene.size;
  const jpegs: Buffer[] = [];
  for (let index = 0; index < frames; index += 1) {
    const jpeg = await sharp(scene.frame(index).rgb, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: 90, chromaSubsampling: '4:4:4' })
      .toBuffer();
    jpegs.push(jpeg.length % 2 === 0 ? jpeg : Buffer.concat([jpeg, Buffer.alloc(1)]));
  }
  const bytes = jpegs.reduce((sum, { length }) => sum + length, 0);
  const instance = derivedUid(`${study} ${name}`, 'instance');
  return Buffer.concat([
    fileStart(ultrasoundMultiFrame, instance, jpegBaseline),
    dataSet(
      text(0x00080005, 'CS', 'ISO_IR 192'),
      text(0x00080008, 'CS', ['ORIGINAL', 'PRIMARY']),
      text(0x00080016, 'UI', ultrasoundMultiFrame),
      text(0x00080018, 'UI', instance),
      text(0x00080020, 'DA', '20260101'),
      text(0x00080023, 'DA', '20260101'),
      text(0x00080030, 'TM', '120000'),
      text(0x00080033, 'TM', '120000'),
      text(0x00080050, 'SH', ''),
      text(0x00080060, 'CS', 'US'),
      text(0x00080070, 'LO', 'sonoscope'),
      text(0x00080090, 'PN', ''),
      text(0x00081030, 'LO', 'Generated echo scene: no patient'),
      text(0x0008103e, 'LO', name),
      text(0x00100010, 'PN', 'Generated^Scene'),
      text(0x00100020, 'LO', 'SAMPLE'),
      text(0x00100030, 'DA', ''),
      text(0x00100040, 'CS', 'O'),
      text(frameTimeTag, 'DS', decimal(1000 / scene.framesPerSecond)),
      ...region(scene),
      text(0x0020000d, 'UI', derivedUid(study, 'study')),
      text(0x0020000e, 'UI', derivedUid(`${study} ${name}`, 'series')),
      text(0x00200010, 'SH', '1'),
      text(0x00200011, 'IS', String(number)),
      text(0x00200013, 'IS', '1'),
      text(0x00200020, 'CS', ''),
      unsignedShort(0x00280002, 3),
      text(0x00280004, 'CS', 'YBR_FULL_422'),
      unsignedShort(0x00280006, 0),
      text(0x00280008, 'IS', String(frames)),
      attributeTag(0x00280009, frameTimeTag),
      unsignedShort(0x00280010, height),
      unsignedShort(0x00280011, width),
      unsignedShort(0x00280100, 8),
      unsignedShort(0x00280101, 8),
      unsignedShort(0x00280102, 7),
      unsignedShort(0x00280103, 0),
      text(0x00282110, 'CS', '01'),
      text(0x00282112, 'DS', decimal((width * height * 3 * frames) / bytes)),
      text(0x00282114, 'CS', 'ISO_10918_1'),
    ),
    encapsulatedStart(),
    fragmentHeader(0),
    ...jpegs.flatMap((jpeg) => [fragmentHeader(jpeg.length), jpeg]),
    sequenceEnd,
  ]);
}

/** Sequence of Ultrasound Regions: two-dimensional tissue, centimetres in both directions (PS3.3 C.8.5.5). */
function region({ size, pixelSpacingMm }: SyntheticScene): Buffer[] {
  if (pixelSpacingMm === null) return [];
  const centimetres = 3;
  return [
    sequence(
      0x00186011,
      item(
        unsignedShort(0x00186012, 1),
        unsignedShort(0x00186014, 1),
        unsignedLong(0x00186016, 0),
        unsignedLong(0x00186018, 0),
        unsignedLong(0x0018601a, 0),
        unsignedLong(0x0018601c, size.width - 1),
        unsignedLong(0x0018601e, size.height - 1),
        unsignedShort(0x00186024, centimetres),
        unsignedShort(0x00186026, centimetres),
        double(0x0018602c, pixelSpacingMm.x / 10),
        double(0x0018602e, pixelSpacingMm.y / 10),
      ),
    ),
  ];
}
