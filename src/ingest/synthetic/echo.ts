/**
 * An apical echo as a procedural scene: four-chamber, or the two-chamber view of the same ventricle. Pure.
 *
 * One reference picture (end-diastole, twice the resolution) holds tissue with speckle; every frame samples it
 * through a displacement field scaled by the phase of the beat, so speckle moves with the tissue, walls thicken,
 * and the truth is the reference's label map through the very same field. Lengths are millimetres with the
 * transducer at the origin, x to the right, y into the body. A mirrored scene is turned when it is shown, never before.
 */
import { maskBox } from '../../mask/rle.js';
import type { Mask } from '../../vocabulary/mask.js';
import { seededRandom } from '../../vocabulary/random.js';
import { plainEcho, plainHeart, timedHeart, type Heart, type HeartMoment } from './heart.js';
import { smoothstep, valueNoise } from './noise.js';
import { labelMasks, packRgb, type SceneOptions, type SyntheticScene } from './scene.js';

const depthMm = 160;
const halfAngle = (42 * Math.PI) / 180;
/** Reference pixels per picture pixel: half-pixel motion without interpolation. */
const refScale = 2;
const labels = ['left ventricle', 'left atrium', 'right ventricle', 'right atrium'] as const;
const [lvLabel, laLabel, rvLabel, raLabel] = [1, 2, 3, 4] as const;
/** The left ventricle's wall is no object of the scene, but `chambers` knows it. */
const wallLabel = 5;
/** Where the mitral valve hangs: nothing of the scene, but annotators draw the two cavities up to each other there, and give it to the atrium. */
const valveLabel = 6;

/** By the labels of this scene. */
const camusLabels: readonly number[] = [0, 1, 3, 0, 0, 2, 3];

/** A ventricle as a bullet around an axis from apex to base. */
interface Ventricle {
  readonly apexX: number;
  readonly apexY: number;
  readonly axisX: number;
  readonly axisY: number;
  readonly lengthMm: number;
  readonly halfWidthMm: number;
  /** Half-width at the base as a share of the largest. */
  readonly baseShare: number;
  /** Half-width at end-systole as a share of end-diastole. */
  readonly squeeze: number;
}

interface Atrium {
  readonly x: number;
  readonly y: number;
  readonly rx: number;
  readonly ry: number;
}

function ventricle(
  apex: readonly [number, number],
  base: readonly [number, number],
  halfWidthMm: number,
  baseShare: number,
  squeeze: number,
): Ventricle {
  const lengthMm = Math.hypot(base[0] - apex[0], base[1] - apex[1]);
  return {
    apexX: apex[0],
    apexY: apex[1],
    axisX: (base[0] - apex[0]) / lengthMm,
    axisY: (base[1] - apex[1]) / lengthMm,
    lengthMm,
    halfWidthMm,
    baseShare,
    squeeze,
  };
}

/** Half-width at `a` of the way from apex (0) to base (1); 0 outside. */
function halfWidth(v: Ventricle, a: number): number {
  if (a <= 0 || a > 1) return 0;
  const widest = 0.58;
  if (a < widest) return v.halfWidthMm * Math.sqrt(1 - (1 - a / widest) ** 2.4);
  return v.halfWidthMm * (1 - (1 - v.baseShare) * ((a - widest) / (1 - widest)) ** 2);
}

/** Along the axis as a share of its length, and across it in millimetres (right positive). */
function local(v: Ventricle, x: number, y: number): [along: number, across: number] {
  const dx = x - v.apexX;
  const dy = y - v.apexY;
  return [(dx * v.axisX + dy * v.axisY) / v.lengthMm, dx * v.axisY - dy * v.axisX];
}

/** How far the mitral valve is open, 0..1: early filling, then the atrial kick. */
function opening(phase: number): number {
  const early = smoothstep(0.38, 0.44, phase) * (1 - 0.75 * smoothstep(0.52, 0.62, phase));
  const atrial = 0.7 * smoothstep(0.78, 0.85, phase) * (1 - smoothstep(0.92, 0.99, phase));
  return Math.max(early * (1 - smoothstep(0.9, 0.97, phase)), atrial);
}

/** ECG deflection, 1 at the R wave. */
function ecg(phase: number): number {
  const wave = (at: number, width: number, height: number): number => {
    let distance = Math.abs(phase - at);
    distance = Math.min(distance, 1 - distance);
    return height * Math.exp(-((distance / width) ** 2));
  };
  return (
    wave(0.84, 0.025, 0.16) -
    wave(0.97, 0.008, 0.15) +
    wave(0.99, 0.009, 1) -
    wave(0.01, 0.01, 0.25) +
    wave(0.3, 0.045, 0.28)
  );
}

/** One beat of the truth, from end-diastole to the next one; frames are those of the scene. */
export interface TrueBeat {
  readonly endDiastole: number;
  readonly endSystole: number;
  readonly nextEndDiastole: number;
  /** Of the label maps of these two frames, by disks. */
  readonly endDiastolicVolumeMl: number;
  readonly endSystolicVolumeMl: number;
  readonly ejectionFractionPercent: number;
}

export interface HeartTruth {
  /** Frames at which the ventricle is largest, one per beat that begins among the frames; middle of the flat top of a plain scene. */
  readonly endDiastoles: readonly number[];
  /** Frames at which it is smallest. */
  readonly endSystoles: readonly number[];
  /** Beats that lie among the frames from end to end. */
  readonly beats: readonly TrueBeat[];
}

export interface EchoScene extends SyntheticScene {
  /** What is true of the frames 0 to `frameCount` - 1. */
  heart(frameCount: number): HeartTruth;
  /** Row-major labels as CAMUS has them: 1 left ventricle, 2 its wall, 3 left atrium, 0 anything else. */
  chambers(index: number): Uint8Array;
  /** The left ventricle of a frame, cut along its true axis into disks of equal height, apex first. */
  disks(index: number): { readonly lengthMm: number; readonly diametersMm: readonly number[] };
  /** How far the left ventricle narrows and its base descends in a full systole; the same in both views of one seed. */
  readonly motion: { readonly squeeze: number; readonly descentMm: number };
}

/** In the two-chamber view the ventricle is narrower by 5 to 18 %, by the seed. */
function twoChamberWidth(seed: number): number {
  return 0.82 + 0.13 * seededRandom(seed ^ 0x2c4a_2c4a)();
}

export function echoScene(options: SceneOptions): EchoScene {
  const { width, height, framesPerSecond } = options;
  const parameters = options.echo ?? plainEcho;
  const random = seededRandom(options.seed);
  const between = (low: number, high: number): number => low + (high - low) * random();

  // ------------------------------------------------------------- anatomy
  const pxPerMm = (0.9 * height) / depthMm;
  const originX = width / 2;
  const originY = 0.035 * height;
  const heartRateBpm = Math.round(between(60, 82));
  const size = between(0.94, 1.06);
  let lv = ventricle([7, 27], [19, 27 + 70 * size], 23 * size, 0.86, between(0.66, 0.8));
  const rv = ventricle([-17, 42], [-36, 27 + 68 * size], 15 * size, 0.95, 0.74);
  const baseY = 27 + 70 * size;
  const la: Atrium = { x: 18, y: baseY + 23, rx: 22, ry: 22 * size };
  const ra: Atrium = { x: -29, y: baseY + 21, rx: 20, ry: 20 * size };
  const seedDescentMm = between(10, 14);
  const twoChamber = parameters.view === 'a2c';
  if (twoChamber) lv = { ...lv, halfWidthMm: lv.halfWidthMm * twoChamberWidth(options.seed) };
  const shownLabels = twoChamber ? labels.slice(0, 2) : labels;
  let descentMm = seedDescentMm;
  const heart: Heart =
    parameters.heartRateBpm === null && parameters.rhythm === null
      ? plainHeart(heartRateBpm)
      : timedHeart(options.seed, parameters.heartRateBpm ?? heartRateBpm, parameters.rhythm ?? 'sinus');
  const papillaries = [
    { along: 0.5, side: -1, lengthShare: 0.17, depth: 6 },
    { along: 0.47, side: 1, lengthShare: 0.15, depth: 6.5 },
  ];

  // ------------------------------------------------------------- reference picture
  const refWidth = width * refScale;
  const refHeight = height * refScale;
  const refPxPerMm = pxPerMm * refScale;
  const reference = new Uint8Array(refWidth * refHeight);
  const refLabels = new Uint8Array(width * height);
  // Anatomy at picture resolution, bent by slow noise so that no wall is a drawn line, then softened.
  const bendX = valueNoise(random, width, height, Math.max(8, height / 11), 1);
  const bendY = valueNoise(random, width, height, Math.max(8, height / 11), 1);
  const patches = valueNoise(random, width, height, Math.max(4, height / 40), 3);
  const echoes = new Float32Array(width * height).fill(-3);
  for (let py = 0; py < height; py += 1) {
    for (let px = 0; px < width; px += 1) {
      const at = py * width + px;
      const y = (py + 0.5 - originY) / pxPerMm;
      const x = (px + 0.5 - originX) / pxPerMm;
      if (y < -2 || Math.abs(x) > (y + 20) * 1.15) continue;
      const tissue = tissueAt(x + 7 * ((bendX[at] ?? 0.5) - 0.5), y + 7 * ((bendY[at] ?? 0.5) - 0.5));
      refLabels[at] = tissue.label;
      echoes[at] = Math.log10(tissue.echo * (0.4 + 1.2 * (patches[at] ?? 0.5)));
    }
  }
  for (let pass = 0; pass < 2; pass += 1)
    boxBlur(echoes, width, height, Math.max(1, Math.round(0.42 * pxPerMm)));
  const speckle = polarSpeckle(random);
  for (let py = 0; py < refHeight; py += 1) {
    const y = (py + 0.5) / refPxPerMm - originY / pxPerMm;
    for (let px = 0; px < refWidth; px += 1) {
      const x = (px + 0.5) / refPxPerMm - originX / pxPerMm;
      const r = Math.hypot(x, y);
      if (y < -2 || r > depthMm + 12 || Math.abs(x) > (y + 20) * 1.15) continue;
      const level = echoes[(py >> 1) * width + (px >> 1)] ?? -3;
      const grain = speckle(r, Math.atan2(x, Math.max(y, 0.1)));
      // Log compression to 54 dB, as a scanner shows it.
      const decibel = 20 * (level + Math.log10(grain + 1e-3)) - 3;
      reference[py * refWidth + px] = Math.max(0, Math.min(255, 255 * (1 + decibel / 54)));
    }
  }

  function tissueAt(x: number, y: number): { label: number; echo: number } {
    const [lvAlong, lvAcross] = local(lv, x, y);
    const lvWidth = halfWidth(lv, lvAlong);
    if (lvAlong > 0 && lvAlong <= 1 && Math.abs(lvAcross) < lvWidth) {
      for (const muscle of papillaries) {
        const along = (lvAlong - muscle.along) / muscle.lengthShare;
        const inward = lvWidth - lvAcross * muscle.side;
        if (Math.abs(along) < 1 && inward < muscle.depth * Math.sqrt(1 - along * along))
          return { label: lvLabel, echo: 0.14 };
      }
      return { label: lvLabel, echo: 0.0045 };
    }
    const lvOpening = halfWidth(lv, 1);
    const rvOpening = halfWidth(rv, 1);
    const [rvAlong, rvAcross] = local(rv, x, y);
    const rvWidth = halfWidth(rv, rvAlong);
    const lvSide = Math.abs(lvAcross) - Math.max(lvWidth, 1);
    const insideRv = !twoChamber && rvAlong > 0 && rvAlong <= 1 && Math.abs(rvAcross) < rvWidth;
    if (insideRv && lvSide > 8.5) {
      // The moderator band crosses the right ventricle near its apex.
      const band = Math.abs(rvAlong - 0.36 - rvAcross * 0.01) < 0.022;
      return { label: rvLabel, echo: band ? 0.1 : 0.005 };
    }
    const laDistance = Math.hypot((x - la.x) / la.rx, (y - la.y) / la.ry) - 1;
    const raDistance = Math.hypot((x - ra.x) / ra.rx, (y - ra.y) / ra.ry) - 1;
    // Below its valve each ventricle is open to its atrium.
    if (lvAlong > 1.02 && (laDistance < 0 || (y < baseY + 12 && Math.abs(lvAcross) < 0.84 * lvOpening)))
      return { label: laLabel, echo: 0.0042 };
    if (lvAlong > 1 && lvAlong <= 1.02 && Math.abs(lvAcross) < 0.84 * lvOpening)
      return { label: valveLabel, echo: 0.0045 };
    if (
      !twoChamber &&
      rvAlong > 1.02 &&
      (raDistance < 0 || (y < baseY + 9 && Math.abs(rvAcross) < 0.8 * rvOpening))
    )
      return { label: raLabel, echo: 0.0046 };
    if (!twoChamber && rvAlong > 1 && rvAlong <= 1.02 && Math.abs(rvAcross) < 0.8 * rvOpening)
      return { label: 0, echo: 0.005 };
    // Fibrous body between the four chambers.
    const crux = Math.hypot((x + 6) * 1.1, (y - baseY - 1) * 0.8);
    if (!twoChamber && crux < 6) return { label: 0, echo: 0.75 };
    const apexGap = Math.hypot(x - lv.apexX, y - lv.apexY);
    const nearLv =
      (lvAlong > 0 && lvAlong <= 1.03 && lvSide < 10.5) || (lvAlong <= 0 && apexGap < 11)
        ? lvAlong <= 0
          ? apexGap
          : lvSide
        : 99;
    if (nearLv < 99) {
      const lateral = lvAcross > 0;
      // The lateral wall runs along the beam and answers weakly; its pericardium and the septum answer well.
      const edge = lateral && nearLv > 8.4 ? 1.1 : nearLv < 1.4 ? 0.5 : lateral ? 0.15 : 0.26;
      return { label: wallLabel, echo: edge };
    }
    if (!twoChamber && rvAlong > -0.05 && rvAlong <= 1.05 && Math.abs(rvAcross) < rvWidth + 4.5)
      return { label: 0, echo: Math.abs(rvAcross) > rvWidth + 3 ? 0.6 : 0.22 };
    const between4 = !twoChamber && x > ra.x && x < la.x && y > baseY && y < la.y + la.ry * 0.7;
    if (between4 && (laDistance < 0.3 || raDistance < 0.3)) return { label: 0, echo: 0.2 };
    if (laDistance < 0.14) return { label: 0, echo: laDistance > 0.08 ? 0.5 : 0.2 };
    if (!twoChamber && raDistance < 0.14) return { label: 0, echo: raDistance > 0.08 ? 0.45 : 0.2 };
    if (lvAcross > 0 && lvSide < 13.5 && lvAlong > 0 && lvAlong < 1.1) return { label: 0, echo: 0.8 };
    // Chest wall near the probe, then lung and fat around the heart.
    const depth = Math.hypot(x, y);
    if (depth < 20)
      return { label: 0, echo: 0.34 - 0.008 * depth + (Math.abs((depth % 5.5) - 2.4) < 0.7 ? 0.3 : 0) };
    const haze = 0.05 + 0.045 * smoothstep(20, -60, x) + 0.06 * Math.exp(-(depth - 20) / 12);
    return { label: 0, echo: haze };
  }

  // ------------------------------------------------------------- displacement at full contraction, picture pixels
  const count = width * height;
  const sector = new Int32Array(count);
  const shiftX = new Float32Array(count);
  const shiftY = new Float32Array(count);
  const depthGain = new Uint8Array(count);
  const angleOf = new Uint8Array(count);
  let sectorPixels = 0;
  for (let py = 0; py < height; py += 1) {
    const y = (py + 0.5 - originY) / pxPerMm;
    for (let px = 0; px < width; px += 1) {
      const x = (px + 0.5 - originX) / pxPerMm;
      const r = Math.hypot(x, y);
      const angle = Math.atan2(x, y);
      if (y <= 0 || r > depthMm || r < 3 || Math.abs(angle) > halfAngle) continue;
      sector[sectorPixels] = py * width + px;
      const edge = smoothstep(halfAngle, halfAngle - 0.05, Math.abs(angle));
      const far = 1 - 0.45 * smoothstep(105, depthMm, r);
      depthGain[sectorPixels] = 255 * far * (0.35 + 0.65 * edge) * (0.8 + 0.2 * smoothstep(3, 14, r));
      angleOf[sectorPixels] = ((angle + halfAngle) / (2 * halfAngle)) * 255;
      sectorPixels += 1;
    }
  }
  const shown = parameters.mirrored
    ? sector.map((at) => at - (at % width) + width - 1 - (at % width))
    : sector;
  const mirror = (map: Uint8Array): Uint8Array =>
    parameters.mirrored ? map.map((_, at) => map[at - (at % width) + width - 1 - (at % width)] ?? 0) : map;

  const move = (): void => {
    for (let i = 0; i < sectorPixels; i += 1) {
      const at = sector[i] ?? 0;
      const px = at % width;
      const [dx, dy] = displacement(
        (px + 0.5 - originX) / pxPerMm,
        ((at - px) / width + 0.5 - originY) / pxPerMm,
      );
      shiftX[i] = dx * refPxPerMm;
      shiftY[i] = dy * refPxPerMm;
    }
  };

  /** Offset in millimetres from x, y to the place in the reference picture that is shown at x, y at end-systole. */
  function displacement(x: number, y: number): [number, number] {
    // The base descends towards the apex, the apex stays, and the far wall of the atria too.
    const along = (y - lv.apexY) / (baseY - lv.apexY);
    const descent = along <= 0 ? 0 : along <= 0.85 ? along / 0.85 : 1 - smoothstep(0.95, 1.62, along);
    const dy = descentMm * descent;
    let dx = 0;
    let ddy = 0;
    for (const v of twoChamber ? [lv] : [lv, rv]) {
      const [a, across] = local(v, x, y + dy);
      const rest = halfWidth(v, Math.min(1, Math.max(a, 0.02)));
      const fade = smoothstep(-0.12, 0.1, a) * (1 - smoothstep(1, 1.25, a));
      const now = rest * v.squeeze;
      const far = Math.abs(across);
      // Inside, widths scale; outside, the wall follows the cavity less and less: it thickens.
      const out =
        far < now
          ? far * (1 / v.squeeze - 1)
          : (rest - now) * Math.exp(-Math.max(0, far - now) / Math.max(14, 1.1 * (rest - now)));
      const push = out * fade * Math.sign(across);
      dx += push * v.axisY;
      ddy -= push * v.axisX;
    }
    return [dx, dy + ddy];
  }

  // ------------------------------------------------------------- static surroundings
  const surroundings = new Uint32Array(count);
  const grey = (value: number): number => value * 0x010101;
  const fillRect = (x0: number, y0: number, w: number, h: number, colour: number): void => {
    for (let y = Math.max(0, Math.round(y0)); y < Math.min(height, Math.round(y0 + h)); y += 1)
      surroundings.fill(
        colour,
        y * width + Math.max(0, Math.round(x0)),
        y * width + Math.min(width, Math.max(0, Math.round(x0 + w))),
      );
  };
  // Depth scale: a tick per centimetre, a longer one every five.
  for (let cm = 0; cm <= depthMm / 10; cm += 1) {
    const long = cm % 5 === 0;
    fillRect(width * 0.955 - (long ? 10 : 5), originY + cm * 10 * pxPerMm, long ? 10 : 5, 1.5, grey(150));
  }
  for (let step = 0; step < 100; step += 1)
    fillRect(
      width * 0.025,
      height * (0.12 + 0.003 * (99 - step)),
      width * 0.012,
      height * 0.004,
      grey(Math.round(step * 2.55)),
    );

  // A poor window: more noise, less signal, a deeper and wider shadow, and a second one wherever the seed has it.
  const poor = parameters.dropout ?? 0;
  const noise = new Int8Array(1 << 16);
  for (let i = 0; i < noise.length; i += 1)
    noise[i] = Math.round((random() + random() - 1) * 13 * (1 + 1.5 * poor));
  const dropoutAt = between(0.74, 0.84);
  const seedDropout = between(0.3, 0.5);
  const dropoutDepth = parameters.dropout === null ? seedDropout : 0.2 + 0.72 * poor;
  const dropoutWidth = 0.055 * (1 + poor);
  const secondAt = 0.2 + 0.5 * seededRandom(options.seed ^ 0x0d12_0b07)();
  const windowGain = 1 - 0.4 * poor;

  // ------------------------------------------------------------- per frame
  interface Moment extends HeartMoment {
    readonly offsetX: number;
    readonly offsetY: number;
    readonly seconds: number;
  }
  const moment = (index: number): Moment => {
    const seconds = index / framesPerSecond;
    // Breathing and the hand that holds the probe: the heart drifts a little.
    return {
      ...heart.at(seconds),
      offsetX: refPxPerMm * (1.6 * Math.sin((2 * Math.PI * seconds) / 4.7) + 0.5 * Math.sin(seconds * 2.9)),
      offsetY: refPxPerMm * 1.9 * Math.sin((2 * Math.PI * seconds) / 4.7 + 0.8),
      seconds,
    };
  };

  const labelMap = (now: Moment): Uint8Array => {
    const out = new Uint8Array(count);
    const { contraction: amount, offsetX, offsetY } = now;
    for (let i = 0; i < sectorPixels; i += 1) {
      const at = sector[i] ?? 0;
      const py = (at / width) | 0;
      const px = at - py * width;
      const rx = (px * refScale + 0.5 + offsetX + (shiftX[i] ?? 0) * amount) | 0;
      const ry = (py * refScale + 0.5 + offsetY + (shiftY[i] ?? 0) * amount) | 0;
      if (rx >= 0 && ry >= 0 && rx < refWidth && ry < refHeight)
        out[at] = refLabels[(ry >> 1) * width + (rx >> 1)] ?? 0;
    }
    return out;
  };

  const angleGain = new Uint16Array(256);
  const render = (index: number, pixels: Uint32Array): void => {
    const now = moment(index);
    const { contraction: amount, offsetX, offsetY, seconds } = now;
    pixels.set(surroundings);
    for (let a = 0; a < 256; a += 1) {
      const place = a / 255;
      // A rib shadow breathes in and out at the lateral wall; gain flickers slightly.
      const rib =
        dropoutDepth *
        (0.5 + 0.5 * Math.sin((2 * Math.PI * seconds) / 4.7)) *
        Math.exp(-(((place - dropoutAt) / dropoutWidth) ** 2));
      const second = 0.6 * poor * Math.exp(-(((place - secondAt) / dropoutWidth) ** 2));
      const near = 0.2 * Math.exp(-(((place - 0.2) / 0.04) ** 2));
      angleGain[a] =
        256 *
        Math.max(0, 1 - rib - near - second) *
        windowGain *
        (1 + 0.02 * Math.sin(seconds * 7 + place * 9));
    }
    const jitter = (Math.imul(index + 1, 40503) >>> 0) & 0xffff;
    const maxX = refWidth - 1;
    const maxY = refHeight - 1;
    for (let i = 0; i < sectorPixels; i += 1) {
      const at = sector[i] as number;
      const py = (at / width) | 0;
      const px = at - py * width;
      let rx = (px * refScale + 0.5 + offsetX + (shiftX[i] as number) * amount) | 0;
      let ry = (py * refScale + 0.5 + offsetY + (shiftY[i] as number) * amount) | 0;
      rx = rx < 0 ? 0 : rx > maxX ? maxX : rx;
      ry = ry < 0 ? 0 : ry > maxY ? maxY : ry;
      const gain = ((depthGain[i] as number) * (angleGain[angleOf[i] as number] as number)) >> 8;
      let value =
        (((reference[ry * refWidth + rx] as number) * gain) >> 8) +
        (noise[(at * 7 + jitter) & 0xffff] as number);
      value = value < 0 ? 0 : value > 255 ? 255 : value;
      pixels[shown[i] as number] = value * 0x010101;
    }
    drawValves(pixels, now);
    drawEcg(pixels, seconds);
  };

  /** Picture position of a reference point (millimetres) at a moment: the field inverted by fixed-point steps. */
  const forward = (x: number, y: number, now: Moment): [number, number] => {
    let cx = x;
    let cy = y;
    for (let step = 0; step < 12; step += 1) {
      const [dx, dy] = displacement(cx, cy);
      cx = x - dx * now.contraction;
      cy = y - dy * now.contraction;
    }
    return [originX + cx * pxPerMm - now.offsetX / refScale, originY + cy * pxPerMm - now.offsetY / refScale];
  };

  const drawValves = (pixels: Uint32Array, now: Moment): void => {
    const open = opening(now.phase);
    for (const v of twoChamber ? [lv] : [lv, rv]) {
      const reach = halfWidth(v, 0.985) * (v === lv ? 0.97 : 0.9);
      const baseX = v.apexX + v.axisX * v.lengthMm;
      const baseYv = v.apexY + v.axisY * v.lengthMm;
      for (const side of [-1, 1]) {
        const [hingeX, hingeY] = forward(
          baseX + v.axisY * reach * side,
          baseYv - v.axisX * reach * side,
          now,
        );
        const [middleX, middleY] = forward(baseX - v.axisX * 3, baseYv - v.axisY * 3, now);
        // Closed leaflets meet in the middle of the ring; open ones hang into the ventricle.
        const longer = (side < 0 ? 1 : 0.75) * reach * pxPerMm;
        const openX = hingeX + (middleX - hingeX) * 0.32 - v.axisX * longer;
        const openY = hingeY + (middleY - hingeY) * 0.32 - v.axisY * longer;
        const tipX = middleX + (openX - middleX) * open;
        const tipY = middleY + (openY - middleY) * open;
        const bend = 0.14 * (1 - 2 * open);
        const controlX = (hingeX + tipX) / 2 - v.axisX * longer * bend;
        const controlY = (hingeY + tipY) / 2 - v.axisY * longer * bend;
        for (let step = 0; step <= 60; step += 1) {
          const t = step / 60;
          const u = 1 - t;
          stamp(
            pixels,
            u * u * hingeX + 2 * u * t * controlX + t * t * tipX,
            u * u * hingeY + 2 * u * t * controlY + t * t * tipY,
            (1.15 - 0.4 * t) * pxPerMm,
            step * 131,
          );
        }
      }
    }
  };

  /** A soft bright dot, as a thin leaflet gives. */
  const stamp = (pixels: Uint32Array, x: number, y: number, radius: number, grain: number): void => {
    for (let py = Math.max(0, Math.floor(y - radius)); py <= Math.min(height - 1, y + radius); py += 1)
      for (let px = Math.max(0, Math.floor(x - radius)); px <= Math.min(width - 1, x + radius); px += 1) {
        const distance = ((px - x) ** 2 + (py - y) ** 2) / (radius * radius);
        if (distance >= 1) continue;
        const at = py * width + px;
        const to = parameters.mirrored ? at - px + width - 1 - px : at;
        const before = (pixels[to] ?? 0) & 255;
        const bright = 150 + 4 * (noise[(at * 3 + grain) & 0xffff] ?? 0);
        pixels[to] = grey(
          Math.round(Math.min(255, Math.max(before, before + (bright - before) * (1 - distance) * 0.8))),
        );
      }
  };

  const drawEcg = (pixels: Uint32Array, seconds: number): void => {
    const left = Math.round(width * 0.06);
    const right = Math.round(width * 0.94);
    const windowS = 3.2;
    const pen = (seconds % windowS) / windowS;
    const rise = height * 0.05;
    const zero = height * 0.975;
    let last = Number.NaN;
    for (let x = left; x < right; x += 1) {
      const place = (x - left) / (right - left);
      const age = pen - place;
      // The sweep has not reached this column yet, so it still shows the previous sweep.
      const at = seconds - (age >= 0 ? age : age + 1) * windowS;
      if (age < 0 && age > -0.03) {
        last = Number.NaN;
        continue;
      }
      const y = zero - rise * ecg(heart.at(at).phase);
      const from = Number.isNaN(last) ? y : Math.min(last, y);
      const to = Number.isNaN(last) ? y : Math.max(last, y);
      for (let py = Math.max(0, Math.round(from)); py <= Math.min(height - 1, Math.round(to)); py += 1)
        pixels[py * width + x] = 0x50d060;
      last = y;
    }
  };

  // ------------------------------------------------------------- exact quantities
  const mmPerPx = 1 / pxPerMm;
  const still = (contraction: number): Moment => ({
    phase: 0,
    contraction,
    heartRateBpm,
    offsetX: 0,
    offsetY: 0,
    seconds: 0,
  });
  if (parameters.ejectionFractionPercent === null) move();
  else solveMotion(parameters.ejectionFractionPercent);
  const diastole = discs(labelMap(still(0)));
  const systole = discs(labelMap(still(1)));
  const ejectionFractionPercent = percentEjected(diastole.volumeMl, systole.volumeMl);

  /** How strongly the ventricle must narrow and shorten for the wanted fraction, by halving; the truth stays what the map says. */
  function solveMotion(wantedPercent: number): void {
    if (twoChamber) {
      // The fraction that was asked for is that of the four-chamber view; the heart of both is the same.
      const { motion } = echoScene({ ...options, echo: { ...parameters, view: 'a4c' } });
      lv = { ...lv, squeeze: motion.squeeze };
      descentMm = motion.descentMm;
      move();
      return;
    }
    const before = discs(labelMap(still(0))).volumeMl;
    let low = 0;
    let high = 1;
    for (let step = 0; step < 10; step += 1) {
      const strength = (low + high) / 2;
      lv = { ...lv, squeeze: 1 - 0.65 * strength };
      descentMm = 20 * strength * (seedDescentMm / 12);
      move();
      if (percentEjected(before, discs(labelMap(still(1))).volumeMl) < wantedPercent) low = strength;
      else high = strength;
    }
  }

  /** Area, length and single-plane volume (20 discs along the ventricle's axis) of the left ventricle. */
  function discs(map: Uint8Array): {
    areaMm2: number;
    lengthMm: number;
    volumeMl: number;
    diametersMm: readonly number[];
  } {
    let pixelsInside = 0;
    let from = Infinity;
    let to = -Infinity;
    const along = (at: number): number =>
      (((at % width) - originX) * lv.axisX + (Math.floor(at / width) - originY) * lv.axisY) * mmPerPx;
    for (let at = 0; at < map.length; at += 1) {
      if (map[at] !== lvLabel) continue;
      pixelsInside += 1;
      const a = along(at);
      if (a < from) from = a;
      if (a > to) to = a;
    }
    const areaMm2 = pixelsInside * mmPerPx * mmPerPx;
    const lengthMm = Math.max(0, to - from);
    const slices = new Float64Array(20);
    for (let at = 0; at < map.length; at += 1) {
      if (map[at] !== lvLabel) continue;
      const slice = Math.min(19, Math.floor(((along(at) - from) / lengthMm) * 20));
      slices[slice] = (slices[slice] ?? 0) + mmPerPx * mmPerPx;
    }
    const disc = lengthMm / 20;
    let volumeMm3 = 0;
    for (const area of slices) volumeMm3 += (Math.PI / 4) * disc * (area / disc) ** 2;
    const diametersMm = [...slices].map((area) => area / disc);
    return { areaMm2, lengthMm, volumeMl: volumeMm3 / 1000, diametersMm };
  }

  const masksOf = (map: Uint8Array): Mask[] => labelMasks(mirror(map), shownLabels.length, width, height);

  /** The frame at which `of` is smallest, of those between two times around `atS`; the middle one where several are alike. */
  const extreme = (
    fromS: number,
    atS: number,
    toS: number,
    last: number,
    of: (contraction: number) => number,
  ): number => {
    const to = Math.min(last, Math.floor(toS * framesPerSecond));
    let best: number[] = [];
    let least = Infinity;
    for (let index = Math.max(0, Math.ceil(fromS * framesPerSecond)); index <= to; index += 1) {
      const value = of(moment(index).contraction);
      if (value > least + 1e-9) continue;
      if (value < least - 1e-9) best = [];
      least = Math.min(least, value);
      best.push(index);
    }
    return best[(best.length - 1) >> 1] ?? Math.round(atS * framesPerSecond);
  };
  const volumeMl = (index: number): number => discs(labelMap(moment(index))).volumeMl;

  const heartTruth = (frameCount: number): HeartTruth => {
    const last = frameCount - 1;
    const among = (seconds: number): boolean =>
      seconds * framesPerSecond >= -0.5 && seconds * framesPerSecond < last + 0.5;
    const marks = heart
      .between(-0.5 / framesPerSecond, frameCount / framesPerSecond)
      .map(({ startS, systoleS, endS }) => {
        // Half a systole to each side holds the flat top and no other.
        const half = (systoleS - startS) / 2;
        return {
          endDiastole: among(startS)
            ? extreme(startS - half / 2, startS, startS + half, last, (contraction) => contraction)
            : null,
          endSystole: among(systoleS)
            ? extreme(systoleS - half, systoleS, (systoleS + endS) / 2, last, (contraction) => -contraction)
            : null,
        };
      });
    const beats = marks.flatMap(({ endDiastole, endSystole }, index): TrueBeat[] => {
      const nextEndDiastole = marks[index + 1]?.endDiastole ?? null;
      if (endDiastole === null || endSystole === null || nextEndDiastole === null) return [];
      const endDiastolicVolumeMl = volumeMl(endDiastole);
      const endSystolicVolumeMl = volumeMl(endSystole);
      return [
        {
          endDiastole,
          endSystole,
          nextEndDiastole,
          endDiastolicVolumeMl,
          endSystolicVolumeMl,
          ejectionFractionPercent: percentEjected(endDiastolicVolumeMl, endSystolicVolumeMl),
        },
      ];
    });
    const known = (frames: readonly (number | null)[]): number[] => frames.filter((frame) => frame !== null);
    return {
      endDiastoles: known(marks.map(({ endDiastole }) => endDiastole)),
      endSystoles: known(marks.map(({ endSystole }) => endSystole)),
      beats,
    };
  };

  return {
    size: { width, height },
    framesPerSecond,
    pixelSpacingMm: { x: mmPerPx, y: mmPerPx },
    objects: shownLabels.map((label, i) => ({ id: i + 1, label })),
    render,
    frame: (index) => {
      const pixels = new Uint32Array(count);
      render(index, pixels);
      const now = moment(index);
      const map = labelMap(now);
      const { areaMm2, lengthMm, volumeMl } = discs(map);
      return {
        rgb: packRgb(pixels),
        truth: masksOf(map),
        measurements: {
          phase: now.phase,
          contraction: now.contraction,
          heartRateBpm: now.heartRateBpm,
          lvAreaMm2: areaMm2,
          lvLengthMm: lengthMm,
          lvVolumeMl: volumeMl,
          lvEndDiastolicVolumeMl: diastole.volumeMl,
          lvEndSystolicVolumeMl: systole.volumeMl,
          ejectionFractionPercent,
        },
      };
    },
    heart: heartTruth,
    disks: (index) => {
      const { lengthMm, diametersMm } = discs(labelMap(moment(index)));
      return { lengthMm, diametersMm };
    },
    motion: { squeeze: lv.squeeze, descentMm },
    chambers: (index) => mirror(labelMap(moment(index))).map((label) => camusLabels[label] ?? 0),
    defaultPrompts: () => {
      const masks = masksOf(labelMap(moment(0)));
      return {
        objects: [lvLabel, laLabel].map((label) => {
          const [x, y, w, h] = maskBox(masks[label - 1] as Mask);
          return {
            label: labels[label - 1] as string,
            prompts: [
              {
                moment: { kind: 'frame', frame: 0 } as const,
                prompt: { type: 'box', box: [x, y, x + w, y + h] } as const,
              },
            ],
          };
        }),
      };
    },
  };
}

function percentEjected(endDiastolicMl: number, endSystolicMl: number): number {
  return (100 * (endDiastolicMl - endSystolicMl)) / endDiastolicMl;
}

/** Mean over a (2 · radius + 1) square, in place. */
function boxBlur(field: Float32Array, width: number, height: number, radius: number): void {
  const line = (start: number, step: number, length: number): void => {
    const copy = new Float32Array(length);
    for (let i = 0; i < length; i += 1) copy[i] = field[start + i * step] ?? 0;
    const value = (i: number): number => copy[Math.min(length - 1, Math.max(0, i))] ?? 0;
    let sum = 0;
    for (let i = -radius; i <= radius; i += 1) sum += value(i);
    for (let i = 0; i < length; i += 1) {
      field[start + i * step] = sum / (2 * radius + 1);
      sum += value(i + radius + 1) - value(i - radius);
    }
  };
  for (let y = 0; y < height; y += 1) line(y * width, 1, width);
  for (let x = 0; x < width; x += 1) line(x, width, height);
}

/**
 * Fully developed speckle: the amplitude of a smoothed complex Gaussian field in depth and angle, so its grains
 * widen with depth as a sector probe's do. Mean about 1.
 */
function polarSpeckle(random: () => number): (radiusMm: number, angle: number) => number {
  const rows = 640;
  const columns = 256;
  const gauss = (): number => random() + random() + random() + random() - 2;
  const field = (): Float32Array => {
    const raw = new Float32Array(rows * columns);
    for (let i = 0; i < raw.length; i += 1) raw[i] = gauss();
    const out = new Float32Array(rows * columns);
    for (let r = 1; r < rows - 1; r += 1)
      for (let c = 2; c < columns - 2; c += 1) {
        const at = r * columns + c;
        const across = (i: number): number =>
          (raw[i - 2] ?? 0) * 0.5 +
          (raw[i - 1] ?? 0) +
          (raw[i] ?? 0) +
          (raw[i + 1] ?? 0) +
          (raw[i + 2] ?? 0) * 0.5;
        out[at] = across(at) + 0.5 * (across(at - columns) + across(at + columns));
      }
    return out;
  };
  const real = field();
  const imaginary = field();
  const amplitude = new Float32Array(rows * columns);
  let sum = 0;
  for (let i = 0; i < amplitude.length; i += 1) {
    amplitude[i] = Math.hypot(real[i] ?? 0, imaginary[i] ?? 0);
    sum += amplitude[i] ?? 0;
  }
  const mean = sum / amplitude.length;
  return (radiusMm, angle) => {
    const r = Math.min(rows - 2.001, Math.max(1, (radiusMm / (depthMm + 14)) * (rows - 2)));
    const c = Math.min(columns - 3.001, Math.max(2, ((angle + 0.95) / 1.9) * (columns - 4) + 2));
    const r0 = Math.floor(r);
    const c0 = Math.floor(c);
    const at = r0 * columns + c0;
    const fr = r - r0;
    const fc = c - c0;
    const top = (amplitude[at] ?? 0) * (1 - fc) + (amplitude[at + 1] ?? 0) * fc;
    const bottom = (amplitude[at + columns] ?? 0) * (1 - fc) + (amplitude[at + columns + 1] ?? 0) * fc;
    return (top * (1 - fr) + bottom * fr) / mean;
  };
}
