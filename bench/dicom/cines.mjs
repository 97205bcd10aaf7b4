/**
 * Reads one cine for cines.py: every picture (ours) or every frame's bytes (dicom-parser, as Cornerstone's image loader calls it), into
 * a file, with where each ends on standard output.
 * Usage: node bench/dicom/cines.mjs ours|dicom-parser CINE OUTPUT
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [reader, path, output] = process.argv.slice(2);
const require = createRequire(import.meta.url);

async function ours() {
  const { createDicomProducer } = await import('../../dist/src/ingest/dicom-producer.js');
  const producer = await createDicomProducer(path);
  const all = [];
  for (let i = 0; i < producer.frameCount; i += 1) all.push(await producer.frame(i));
  return {
    frames: all.filter((frame) => frame !== null),
    spacing: producer.calibration.regions[0]?.spacingMm?.x ?? producer.calibration.whole?.x ?? null,
    times: all.map((_, i) => producer.mediaNs(i) / 1e6),
  };
}

function dicomParserFrames() {
  const parser = require('dicom-parser');
  const set = parser.parseDicom(readFileSync(path));
  const element = set.elements.x7fe00010;
  const count = set.intString('x00280008') ?? 1;
  const frame = (i) => {
    if (!element.encapsulatedPixelData) {
      const bytes =
        set.uint16('x00280010') *
        set.uint16('x00280011') *
        set.uint16('x00280002') *
        (set.uint16('x00280100') / 8);
      if ((i + 1) * bytes > element.length) throw new Error('frame exceeds size of pixel data');
      return set.byteArray.subarray(element.dataOffset + i * bytes, element.dataOffset + (i + 1) * bytes);
    }
    if (element.basicOffsetTable.length > 0) return parser.readEncapsulatedImageFrame(set, element, i);
    if (element.fragments.length !== count)
      return parser.readEncapsulatedImageFrame(
        set,
        element,
        i,
        parser.createJPEGBasicOffsetTable(set, element),
      );
    return parser.readEncapsulatedPixelDataFromFragments(set, element, i);
  };
  const frames = [];
  for (let i = 0; i < count; i += 1) {
    try {
      frames.push(frame(i));
    } catch {
      frames.push(new Uint8Array());
    }
  }
  return { frames: frames.filter(({ length }) => length > 0), spacing: null, times: null };
}

let answer;
try {
  const { frames, ...more } = reader === 'ours' ? await ours() : dicomParserFrames();
  const ends = frames.reduce((list, { length }) => [...list, list.at(-1) + length], [0]);
  writeFileSync(output, Buffer.concat(frames));
  answer = { ends, ...more };
} catch (error) {
  answer = { error: error.code ?? error.message ?? String(error.exception ?? error) };
}
process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit(0));
