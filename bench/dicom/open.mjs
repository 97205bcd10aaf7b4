/**
 * How fast and in how much memory a DICOM cine opens, of several built trees side by side. Each figure from a process of its own.
 * Usage: node bench/dicom/open.mjs NAME=FOLDER_OF_A_BUILT_INGEST … [--out FILE]
 * Such a folder is dist/src/ingest here; older builds have their reader of DICOM in a folder of its own. "opened" and "all frames" are the reader of DICOM alone; "stream
 * process" is the whole process of a source, as a replay with a display and a network of 256 × 256 has it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import sharp from 'sharp';

const runs = 5;
const size = { width: 1016, height: 708 };

function element(tag, vr, value) {
  const long = vr === 'OB';
  const bytes = typeof value === 'number' ? Buffer.from(Uint16Array.of(value).buffer) : Buffer.from(value);
  const padded =
    bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.from(vr === 'UI' ? '\0' : ' ')]);
  const head = Buffer.alloc(long ? 12 : 8);
  head.writeUInt16LE(tag >>> 16, 0);
  head.writeUInt16LE(tag & 0xffff, 2);
  head.write(vr, 4, 'latin1');
  if (long) head.writeUInt32LE(padded.length, 8);
  else head.writeUInt16LE(padded.length, 6);
  return Buffer.concat([head, padded]);
}

/** Everything up to the pixel data. */
function header(syntax, frames, photometric) {
  const meta = element(0x00020010, 'UI', syntax);
  const length = Buffer.alloc(12);
  length.writeUInt32LE(0x00000002, 0);
  length.write('UL', 4);
  length.writeUInt16LE(4, 6);
  length.writeUInt32LE(meta.length, 8);
  return Buffer.concat([
    Buffer.alloc(128),
    Buffer.from('DICM'),
    length,
    meta,
    element(0x00080060, 'CS', 'US'),
    element(0x00181063, 'DS', '33.33'),
    element(0x00280002, 'US', 3),
    element(0x00280004, 'CS', photometric),
    element(0x00280006, 'US', 0),
    element(0x00280008, 'IS', `${frames}`),
    element(0x00280010, 'US', size.height),
    element(0x00280011, 'US', size.width),
    element(0x00280100, 'US', 8),
    element(0x00280101, 'US', 8),
    element(0x00280102, 'US', 7),
    element(0x00280103, 'US', 0),
  ]);
}

const item = (element, length) => Buffer.from(Uint32Array.of((element << 16) | 0xfffe, length).buffer);

async function jpegCine(path, frames) {
  // Speckle in a fan, which compresses like ultrasound.
  const parts = [header('1.2.840.10008.1.2.4.50', frames, 'YBR_FULL'), element(0x7fe00010, 'OB', '')];
  parts[1].writeUInt32LE(0xffffffff, 8);
  parts.push(item(0xe000, 0));
  let state = 1;
  const pictures = [];
  for (let number = 0; number < 20; number += 1) {
    const rgb = Buffer.alloc(size.width * size.height * 3);
    for (let y = 0; y < size.height; y += 1)
      for (let x = 0; x < size.width; x += 1) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        const inside = Math.abs(x - size.width / 2) < y * 0.7;
        rgb.fill(inside ? 30 + (state >>> 25) : 0, 3 * (y * size.width + x), 3 * (y * size.width + x) + 3);
      }
    const blurred = sharp(rgb, { raw: { ...size, channels: 3 } }).blur(1.2);
    pictures.push(await blurred.jpeg({ quality: 85, chromaSubsampling: '4:4:4' }).toBuffer());
  }
  for (let frame = 0; frame < frames; frame += 1) {
    const picture = pictures[frame % pictures.length];
    const padded = picture.length % 2 === 0 ? picture : Buffer.concat([picture, Buffer.alloc(1)]);
    parts.push(item(0xe000, padded.length), padded);
  }
  parts.push(item(0xe0dd, 0));
  const bytes = Buffer.concat(parts);
  writeFileSync(path, bytes);
  return bytes.length;
}

/** Almost 4 GiB of pixels, which take no room on the disk. */
function nativeCine(path) {
  const frames = Math.floor((2 ** 32 - 2) / (size.width * size.height * 3));
  const bytes = frames * size.width * size.height * 3;
  const head = Buffer.concat([header('1.2.840.10008.1.2.1', frames, 'RGB'), element(0x7fe00010, 'OB', '')]);
  head.writeUInt32LE(bytes, head.length - 4);
  writeFileSync(path, head);
  truncateSync(path, head.length + bytes);
  return head.length + bytes;
}

const probe = `
const [module, path, all] = process.argv.slice(1);
const { readFileSync } = await import('node:fs');
// maxRSS of getrusage begins with that of the process that forked this one.
const peakKb = () => Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'latin1'))[1]);
const base = peakKb();
const started = performance.now();
const { openDicomFeed, createDicomProducer } = await import(module);
const loaded = performance.now();
const feed = await openDicomFeed?.(path, null, () => undefined);
const producer = feed === undefined ? await createDicomProducer(path) : null;
const frame = async (index) => (feed === undefined ? producer.frame(index) : (await feed.next()).data);
const count = feed?.format.frameCount ?? producer?.frameCount;
const first = await frame(0);
const shown = performance.now();
const openedKb = peakKb();
let frames = 1;
if (all === 'all') for (; frames < count; frames += 1) await frame(frames);
const done = performance.now();
if (first === null || first.length !== ${size.width * size.height * 3}) throw new Error('no picture');
console.log(JSON.stringify({
  loadMs: loaded - started,
  openMs: shown - loaded,
  framesPerSecond: all === 'all' ? (1000 * (frames - 1)) / (done - shown) : null,
  openPeakMb: openedKb / 1024,
  peakMb: peakKb() / 1024,
  bareMb: base / 1024,
}));
process.exit(0);
`;

const streamProbe = `
const [module, path] = process.argv.slice(1);
const { readdirSync, readFileSync } = await import('node:fs');
const { createSource } = await import(module);
const child = () => readdirSync('/proc').find((id) => {
  try {
    return /^\\d+$/.test(id) && readFileSync('/proc/' + id + '/status', 'latin1').includes('\\nPPid:\\t' + process.pid + '\\n');
  } catch { return false; }
});
const look = (id) => {
  const status = readFileSync('/proc/' + id + '/status', 'latin1');
  const ticks = readFileSync('/proc/' + id + '/stat', 'latin1').split(') ')[1].split(' ');
  return { peakMb: Number(/VmHWM:\\s+(\\d+)/.exec(status)[1]) / 1024, cpuMs: 10 * (Number(ticks[11]) + Number(ticks[12])) };
};
const started = performance.now();
const options = { streamId: 'a', analysisSize: { width: 256, height: 256 }, displayQuality: 85, mode: 'replay', loop: false };
let frames = 0, openMs = 0, opened = null, last = null, id = null;
createSource(path).open(options).subscribe({
  next: ({ kind }) => {
    if (kind !== 'display') return;
    frames += 1;
    if (frames === 1) {
      openMs = performance.now() - started;
      id = child();
      opened = look(id);
    }
    if (frames % 50 === 0) last = look(id);
  },
  error: (error) => { throw error; },
  complete: () => {
    console.log(JSON.stringify({
      openMs, openPeakMb: opened.peakMb, peakMb: last.peakMb,
      cpuMsPerFrame: (last.cpuMs - opened.cpuMs) / (frames - 1),
    }));
    process.exit(0);
  },
});
`;

function measure(module, path, all, script = probe) {
  try {
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', script, module, path, all], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return JSON.parse(out);
  } catch (error) {
    return { refused: /SONO_\w+/.exec(String(error.stderr))?.[0] ?? 'failed' };
  }
}

function median(results) {
  if (results.some((result) => 'refused' in result)) return results.find((result) => 'refused' in result);
  const keys = Object.keys(results[0]).filter((key) => results[0][key] !== null);
  return Object.fromEntries(
    keys.map((key) => {
      const values = results.map((result) => result[key]).sort((a, b) => a - b);
      return [key, Math.round((values[values.length >> 1] ?? 0) * 10) / 10];
    }),
  );
}

const out = process.argv.includes('--out') ? process.argv[process.argv.indexOf('--out') + 1] : null;
const trees = process.argv
  .slice(2)
  .filter((word) => word.includes('='))
  .map((word) => word.split('=', 2));
const folder = mkdtempSync(join(tmpdir(), 'sono-dicom-bench-'));
try {
  const jpeg = join(folder, 'jpeg.dcm');
  const native = join(folder, 'native.dcm');
  const bytes = { jpeg: await jpegCine(jpeg, 600), native: nativeCine(native) };
  const results = {};
  // One after the other, so that all have the same company.
  for (let run = 0; run < runs; run += 1)
    for (const [name, folder] of trees) {
      results[name] ??= { jpeg600: [], native4gb: [], stream: [] };
      const reader = ['dicom-feed.js', 'dicom-producer.js', 'dicom/producer.js']
        .map((file) => resolve(folder, file))
        .find((file) => existsSync(file));
      results[name].jpeg600.push(measure(reader, jpeg, run < 2 ? 'all' : 'first'));
      if (run < 3) results[name].native4gb.push(measure(reader, native, 'first'));
      results[name].stream.push(measure(resolve(folder, 'index.js'), jpeg, 'all', streamProbe));
    }
  const report = {
    date: new Date().toISOString(),
    machine: `${cpus()[0]?.model.trim()}, ${cpus().length} threads, Node ${process.version}`,
    bytes,
    medians: Object.fromEntries(
      Object.entries(results).map(([name, { jpeg600, native4gb, stream }]) => [
        name,
        {
          'jpeg 600 × 1016 × 708, opened': median(jpeg600.slice(2)),
          'jpeg 600 × 1016 × 708, all frames': median(jpeg600.slice(0, 2)),
          'uncompressed, almost 4 GiB': median(native4gb),
          'jpeg 600 × 1016 × 708, stream process': median(stream),
        },
      ]),
    ),
  };
  console.log(JSON.stringify(report, null, 2));
  if (out !== null) writeFileSync(out, `${JSON.stringify(report, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true });
}
