/**
 * A laparoscopic cholecystectomy as a procedural scene. Pure.
 *
 * Tissue is one large texture seen through a moving camera (row by row, so that it also breathes); the gallbladder
 * is a second texture that a grasper pulls at; instruments are drawn as cylinders with jaws. What is drawn writes its label in
 * the same place, so the truth is the visible part of each object, pixel for pixel. The scene repeats after 24 s.
 */
import { maskBox } from '../../mask/rle.js';
import type { Mask } from '../../vocabulary/mask.js';
import { seededRandom } from '../../vocabulary/random.js';
import { smoothstep, valueNoise } from './noise.js';
import { labelMasks, packRgb, type SceneOptions, type SyntheticScene } from './scene.js';

const labels = ['gallbladder', 'grasper', 'hook'] as const;
const [gallbladderLabel, grasperLabel, hookLabel] = [1, 2, 3] as const;
/** Seconds after which the choreography repeats. */
const periodS = 24;
/** Design pixels per unit of an instrument's own measures. */
const instrumentUnit = 1.5;
/** All places and lengths below are for a picture 720 pixels high. */
const designHeight = 720;

type Rgb = readonly [red: number, green: number, blue: number];

interface Pose {
  /** Tip of the closed jaws, design pixels. */
  readonly x: number;
  readonly y: number;
  /** Direction from the tip back along the shaft, radians. */
  readonly angle: number;
  /** Opening of the jaws, radians. */
  readonly open: number;
}

interface Key {
  readonly atS: number;
  readonly x: number;
  readonly y: number;
  readonly open: number;
}

/** The grasper comes from the lower left, holds the gallbladder's fundus, leaves and returns. */
const grasperKeys: readonly Key[] = [
  { atS: 0, x: 545, y: 365, open: 0.5 },
  { atS: 1.2, x: 590, y: 330, open: 0.55 },
  { atS: 2, x: 606, y: 318, open: 0.04 },
  { atS: 4.5, x: 560, y: 270, open: 0.04 },
  { atS: 8, x: 575, y: 300, open: 0.04 },
  { atS: 9, x: 600, y: 315, open: 0.5 },
  { atS: 10.3, x: 700, y: 385, open: 0.3 },
  { atS: 11.6, x: 735, y: 430, open: 0.1 },
  { atS: 13, x: 520, y: 470, open: 0.1 },
  { atS: 14.2, x: 120, y: 690, open: 0.05 },
  { atS: 15, x: -150, y: 860, open: 0.05 },
  { atS: 18, x: -150, y: 860, open: 0.05 },
  { atS: 19.4, x: 260, y: 560, open: 0.05 },
  { atS: 21, x: 500, y: 420, open: 0.35 },
  { atS: 24, x: 545, y: 365, open: 0.5 },
];

/** The hook comes from the right, works at the neck, crosses the grasper, leaves and returns. */
const hookKeys: readonly Key[] = [
  { atS: 0, x: 1400, y: 360, open: 0 },
  { atS: 2.4, x: 1400, y: 360, open: 0 },
  { atS: 3.6, x: 930, y: 400, open: 0 },
  { atS: 4.6, x: 790, y: 440, open: 0 },
  { atS: 5.4, x: 770, y: 455, open: 0 },
  { atS: 6.1, x: 810, y: 425, open: 0 },
  { atS: 6.8, x: 765, y: 450, open: 0 },
  { atS: 7.7, x: 800, y: 430, open: 0 },
  { atS: 9.2, x: 720, y: 420, open: 0 },
  { atS: 10.4, x: 610, y: 395, open: 0 },
  { atS: 11.8, x: 590, y: 430, open: 0 },
  { atS: 13, x: 760, y: 430, open: 0 },
  { atS: 16, x: 800, y: 420, open: 0 },
  { atS: 17.3, x: 1050, y: 380, open: 0 },
  { atS: 18.2, x: 1400, y: 330, open: 0 },
  { atS: 24, x: 1400, y: 360, open: 0 },
];

/** Cauterising: when smoke rises, seconds. */
const smokeTimes = [5.2, 6.9, 14.2] as const;

/** Where the tip is at a time: cubic Hermite between keys, with a hand's tremor on top. */
function tipAt(keys: readonly Key[], seconds: number): Key {
  const last = keys.length - 1;
  let i = 0;
  while (i < last - 1 && (keys[i + 1] as Key).atS <= seconds) i += 1;
  const at = (k: number): Key => keys[Math.min(last, Math.max(0, k))] as Key;
  const [p0, p1, p2, p3] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
  const span = p2.atS - p1.atS;
  const t = Math.min(1, Math.max(0, (seconds - p1.atS) / span));
  const blend = (pick: (key: Key) => number): number => {
    const m1 = p2.atS === p0.atS ? 0 : ((pick(p2) - pick(p0)) / (p2.atS - p0.atS)) * span * 0.7;
    const m2 = p3.atS === p1.atS ? 0 : ((pick(p3) - pick(p1)) / (p3.atS - p1.atS)) * span * 0.7;
    const t2 = t * t;
    const t3 = t2 * t;
    return (
      (2 * t3 - 3 * t2 + 1) * pick(p1) +
      (t3 - 2 * t2 + t) * m1 +
      (3 * t2 - 2 * t3) * pick(p2) +
      (t3 - t2) * m2
    );
  };
  return {
    atS: seconds,
    x: blend((k) => k.x),
    y: blend((k) => k.y),
    open: Math.max(
      0,
      blend((k) => k.open),
    ),
  };
}

export function laparoscopyScene(options: SceneOptions): SyntheticScene {
  const { width, height, framesPerSecond } = options;
  const random = seededRandom(options.seed * 2 + 1);
  const scale = height / designHeight;
  /** Left edge of the 1280-wide design in this picture. */
  const designLeft = (width - 1280 * scale) / 2;
  const toX = (x: number): number => designLeft + x * scale;
  const toY = (y: number): number => y * scale;
  const wobble = Array.from({ length: 6 }, () => random() * 2 * Math.PI);

  // ------------------------------------------------------------- textures
  const tissue = tissueTexture(random, width, height, scale);
  const organ = organTexture(random, scale);
  const smoke = smokeTexture(random);
  const light = lightMap(width, height, scale);
  const highlights = placeHighlights(random, tissue.width, tissue.height, scale);
  const { rowFrom, rowTo } = light;

  interface Moment {
    readonly seconds: number;
    /** Camera: texture coordinates of the picture's centre, rotation, zoom. */
    readonly cameraX: number;
    readonly cameraY: number;
    readonly roll: number;
    readonly zoom: number;
    readonly grasper: Pose;
    readonly hook: Pose;
    /** Gallbladder: centre (design pixels), rotation, stretch along its axis. */
    readonly organX: number;
    readonly organY: number;
    readonly organTurn: number;
    readonly organStretch: number;
  }

  const moment = (index: number): Moment => {
    const seconds = (index / framesPerSecond) % periodS;
    const wave = (cycles: number, k: number): number =>
      Math.sin((2 * Math.PI * cycles * seconds) / periodS + (wobble[k] ?? 0));
    const breath = Math.sin((2 * Math.PI * 6 * seconds) / periodS);
    const driftX = 26 * wave(1, 0) + 7 * wave(3, 1) + 1.2 * wave(17, 4);
    const driftY = 18 * wave(1, 2) + 5 * wave(4, 3) + 1.0 * wave(19, 5) + 5 * breath;
    const roll = 0.02 * wave(1, 4) + 0.008 * wave(3, 0);
    const zoom = 1 + 0.03 * wave(2, 5);
    const pose = (keys: readonly Key[], pivotX: number, pivotY: number, k: number): Pose => {
      const tip = tipAt(keys, seconds);
      const x = tip.x + 1.3 * wave(31, k) + 2 * wave(9, k + 1);
      const y = tip.y + 1.2 * wave(29, k + 2) + 2 * wave(11, k);
      // Instruments turn about the trocar in the abdominal wall, far outside the picture.
      return { x, y, angle: Math.atan2(pivotY - y, pivotX - x), open: tip.open };
    };
    const grasper = pose(grasperKeys, -420, 1010, 0);
    const hook = pose(hookKeys, 1900, 300, 2);
    // While held, the fundus follows the grasper.
    const held = smoothstep(1.9, 2.4, seconds) * (1 - smoothstep(8.2, 8.9, seconds));
    const pullX = held * (grasper.x - 606);
    const pullY = held * (grasper.y - 318);
    // The neck gives way a little where the hook pushes it.
    const push = Math.exp(-(((hook.x - 780) / 90) ** 2) - ((hook.y - 440) / 90) ** 2);
    return {
      seconds,
      cameraX: tissue.width / 2 + driftX * scale,
      cameraY: tissue.height / 2 + driftY * scale,
      roll,
      zoom,
      grasper,
      hook,
      organX: 690 + 0.5 * pullX - driftX * 0.9 - 6 * push,
      organY: 375 + 0.5 * pullY - driftY * 0.9 + 3 * breath,
      organTurn: 0.62 + 0.0016 * pullY - 0.0009 * pullX - roll + 0.03 * push,
      organStretch: 1 - 0.0011 * pullX - 0.0007 * pullY + 0.012 * breath,
    };
  };

  // ------------------------------------------------------------- drawing
  /** `marks` receives the label of each pixel when truth is asked for; the picture is the same without it. */
  const draw = (index: number, pixels: Uint32Array, marks: Uint8Array | null): void => {
    const now = moment(index);
    pixels.fill(0);
    drawTissue(pixels, now);
    drawHighlights(pixels, now, index);
    drawOrgan(pixels, now, marks);
    drawShadow(pixels, now.grasper, 15);
    drawShadow(pixels, now.hook, 11);
    drawGrasper(pixels, now.grasper, marks);
    drawHook(pixels, now.hook, marks);
    drawSmoke(pixels, now);
  };

  const drawTissue = (pixels: Uint32Array, now: Moment): void => {
    const { data, width: textureWidth, height: textureHeight } = tissue;
    const cos = Math.cos(now.roll) / now.zoom;
    const sin = Math.sin(now.roll) / now.zoom;
    const breath = (2 * Math.PI * 6 * now.seconds) / periodS;
    // 16.16 fixed point along a row.
    const stepU = Math.round(cos * 65536);
    const stepV = Math.round(sin * 65536);
    const limitU = (textureWidth - 1) << 16;
    const limitV = (textureHeight - 1) << 16;
    const { shade } = light;
    for (let y = 0; y < height; y += 1) {
      const from = rowFrom[y] as number;
      const to = rowTo[y] as number;
      const dy = y - height / 2;
      // Soft tissue is not rigid, so each row moves on its own.
      const sway = 3 * scale * Math.sin(dy / (95 * scale) + breath);
      let u = Math.round((now.cameraX + (from - width / 2) * cos - dy * sin + sway) * 65536);
      let v = Math.round((now.cameraY + (from - width / 2) * sin + dy * cos) * 65536);
      const row = y * width;
      for (let x = from; x < to; x += 1) {
        const cu = u < 0 ? 0 : u > limitU ? limitU : u;
        const cv = v < 0 ? 0 : v > limitV ? limitV : v;
        const colour = data[(cv >> 16) * textureWidth + (cu >> 16)] as number;
        const lit = shade[row + x] as number;
        // Two channels in one multiplication: red and blue are 16 bits apart.
        pixels[row + x] =
          ((((colour & 0xff00ff) * lit) >>> 8) & 0xff00ff) | ((((colour & 0x00ff00) * lit) >>> 8) & 0x00ff00);
        u += stepU;
        v += stepV;
      }
    }
  };

  const drawHighlights = (pixels: Uint32Array, now: Moment, index: number): void => {
    const cos = Math.cos(now.roll) * now.zoom;
    const sin = Math.sin(now.roll) * now.zoom;
    for (const spot of highlights) {
      const du = spot.u - now.cameraX;
      const dv = spot.v - now.cameraY;
      const x = width / 2 + du * cos + dv * sin;
      const y = height / 2 - du * sin + dv * cos;
      const near = 1 - Math.hypot((x - width / 2) / (560 * scale), (y - height / 2) / (400 * scale));
      const glint = 0.62 + 0.38 * Math.sin(index * spot.rate + spot.turn);
      if (near > 0) glow(pixels, x, y, spot.rx, spot.ry, spot.tilt, 300 * Math.min(1, near * 2) * glint);
    }
  };

  /** A white reflection, brightest in the middle. */
  const glow = (
    pixels: Uint32Array,
    x: number,
    y: number,
    rx: number,
    ry: number,
    tilt: number,
    strength: number,
  ): void => {
    const cos = Math.cos(tilt);
    const sin = Math.sin(tilt);
    const reach = Math.max(rx, ry);
    for (let py = Math.max(0, Math.ceil(y - reach)); py < Math.min(height, y + reach); py += 1) {
      const from = Math.max(rowFrom[py] as number, Math.ceil(x - reach));
      const to = Math.min(rowTo[py] as number, x + reach);
      for (let px = from; px < to; px += 1) {
        const a = ((px - x) * cos + (py - y) * sin) / rx;
        const b = (-(px - x) * sin + (py - y) * cos) / ry;
        const d = 1 - a * a - b * b;
        if (d > 0) brighten(pixels, py * width + px, Math.min(255, strength * d * d));
      }
    }
  };

  const drawOrgan = (pixels: Uint32Array, now: Moment, marks: Uint8Array | null): void => {
    const { data, size, reach } = organ;
    const cos = Math.cos(now.organTurn) / (scale * now.zoom);
    const sin = Math.sin(now.organTurn) / (scale * now.zoom);
    const x0 = toX(now.organX);
    const y0 = toY(now.organY);
    const bound = reach * scale * 1.15;
    const alongScale = 1 / now.organStretch;
    const acrossScale = Math.sqrt(now.organStretch);
    for (let y = Math.max(0, Math.floor(y0 - bound)); y < Math.min(height, y0 + bound); y += 1) {
      const from = Math.max(rowFrom[y] as number, Math.floor(x0 - bound));
      const to = Math.min(rowTo[y] as number, Math.ceil(x0 + bound));
      for (let x = from; x < to; x += 1) {
        const along = ((x - x0) * cos + (y - y0) * sin) * alongScale;
        const across = (-(x - x0) * sin + (y - y0) * cos) * acrossScale;
        const u = (along + size / 2) | 0;
        const v = (across + size / 2) | 0;
        if (u < 0 || v < 0 || u >= size || v >= size) continue;
        const texel = data[v * size + u] as number;
        const alpha = texel >>> 24;
        if (alpha === 0) continue;
        const at = y * width + x;
        const lit = light.shade[at] as number;
        const r = ((texel & 255) * lit) >> 8;
        const g = (((texel >>> 8) & 255) * lit) >> 8;
        const b = (((texel >>> 16) & 255) * lit) >> 8;
        mix(pixels, at, r > 255 ? 255 : r, g > 255 ? 255 : g, b > 255 ? 255 : b, alpha);
        if (marks !== null && alpha >= 128) marks[at] = gallbladderLabel;
      }
    }
  };

  /** Everything an instrument covers, in its own units along (from the tip back) and across its shaft. */
  const sweep = (
    pose: Pose,
    fromAlong: number,
    toAlong: number,
    halfAcross: number,
    paint: (at: number, along: number, across: number) => void,
  ): void => {
    const cos = Math.cos(pose.angle) / instrumentUnit;
    const sin = Math.sin(pose.angle) / instrumentUnit;
    const long = instrumentUnit * instrumentUnit;
    const corners = [
      [fromAlong, -halfAcross],
      [fromAlong, halfAcross],
      [toAlong, -halfAcross],
      [toAlong, halfAcross],
    ].map(([a, c]) => toY(pose.y + ((a as number) * sin + (c as number) * cos) * long));
    const top = Math.max(0, Math.floor(Math.min(...corners)));
    const bottom = Math.min(height - 1, Math.ceil(Math.max(...corners)));
    for (let y = top; y <= bottom; y += 1) {
      const dy = y / scale - pose.y;
      let low = rowFrom[y] as number;
      let high = rowTo[y] as number;
      // Solve the two strip conditions for x, so that only covered pixels are visited.
      const clip = (slope: number, offset: number, least: number, most: number): void => {
        if (Math.abs(slope) < 1e-6) {
          if (offset < least || offset > most) high = low;
          return;
        }
        const a = toX(pose.x + (least - offset) / slope);
        const b = toX(pose.x + (most - offset) / slope);
        low = Math.max(low, Math.floor(Math.min(a, b)));
        high = Math.min(high, Math.ceil(Math.max(a, b)) + 1);
      };
      clip(cos, dy * sin, fromAlong, toAlong);
      clip(-sin, dy * cos, -halfAcross, halfAcross);
      const row = y * width;
      for (let x = low; x < high; x += 1) {
        const dx = (x - designLeft) / scale - pose.x;
        paint(row + x, dx * cos + dy * sin, dy * cos - dx * sin);
      }
    }
  };

  const drawShadow = (pixels: Uint32Array, pose: Pose, half: number): void => {
    const cast = { ...pose, x: pose.x + 18, y: pose.y + 34 };
    const soft = half + 16;
    sweep(cast, -30, 1500, soft, (at, along, across) => {
      const edge = 1 - smoothstep(half - 8, soft, Math.abs(across));
      const tip = smoothstep(-30, 25, along);
      const keep = 256 - ((105 * edge * tip) | 0);
      const colour = pixels[at] as number;
      pixels[at] =
        ((((colour & 0xff00ff) * keep) >>> 8) & 0xff00ff) | ((((colour & 0x00ff00) * keep) >>> 8) & 0x00ff00);
    });
  };

  /** Light on a cylinder: dark rims, a broad sheen, a sharp line of reflection. */
  const cylinder = (share: number, base: Rgb, shine: number): Rgb => {
    const round = Math.sqrt(Math.max(0, 1 - share * share));
    const sheen = Math.exp(-(((share + 0.32) / 0.16) ** 2));
    const second = 0.35 * Math.exp(-(((share - 0.55) / 0.14) ** 2));
    const level = 0.28 + 0.72 * round;
    const add = shine * (sheen + second);
    return [base[0] * level + add, base[1] * level + add, base[2] * level + add * 1.02];
  };
  const steel = Array.from({ length: 65 }, (_, i) => cylinder(i / 32 - 1, [128, 132, 138], 120));
  const black = Array.from({ length: 65 }, (_, i) => cylinder(i / 32 - 1, [30, 30, 34], 78));
  const brass = Array.from({ length: 65 }, (_, i) => cylinder(i / 32 - 1, [104, 100, 96], 110));
  const fromProfile = (profile: readonly Rgb[], share: number): Rgb =>
    profile[Math.max(0, Math.min(64, Math.round((share + 1) * 32)))] as Rgb;

  const put = (
    pixels: Uint32Array,
    marks: Uint8Array | null,
    at: number,
    colour: Rgb,
    cover: number,
    label: number,
  ): void => {
    if (cover <= 0) return;
    const lit = 0.45 + ((light.shade[at] as number) / 256) * 0.55;
    const alpha = Math.min(255, cover * 255) | 0;
    mix(
      pixels,
      at,
      Math.min(255, colour[0] * lit) | 0,
      Math.min(255, colour[1] * lit) | 0,
      Math.min(255, colour[2] * lit) | 0,
      alpha,
    );
    if (marks !== null && alpha >= 128) marks[at] = label;
  };

  /** Share of a pixel inside an edge that is `inside` units away. */
  const coverage = (inside: number): number => inside * scale * instrumentUnit + 0.5;

  const drawGrasper = (pixels: Uint32Array, pose: Pose, marks: Uint8Array | null): void => {
    const jaw = 78;
    const half = 15;
    sweep(pose, jaw + 26, 1600, half + 2, (at, along, across) => {
      // A steel collar, then the insulated shaft with its ring.
      const profile = along < jaw + 70 || (along > jaw + 196 && along < jaw + 206) ? steel : black;
      put(
        pixels,
        marks,
        at,
        fromProfile(profile, across / half),
        coverage(half - Math.abs(across)),
        grasperLabel,
      );
    });
    sweep(pose, jaw - 12, jaw + 30, half + 2, (at, along, across) => {
      const narrow = 12 - 3 * smoothstep(jaw + 26, jaw - 12, along);
      const pin = Math.hypot(along - jaw - 8, across) < 4.5;
      const colour: Rgb = pin ? [70, 72, 76] : fromProfile(steel, across / narrow);
      put(pixels, marks, at, colour, coverage(narrow - Math.abs(across)), grasperLabel);
    });
    for (const side of [-1, 1]) {
      // Each jaw turns about the pin; its own axis runs from the pin to the tip.
      const turn = (side * pose.open) / 2;
      const pinX = pose.x + (jaw + 4) * instrumentUnit * Math.cos(pose.angle);
      const pinY = pose.y + (jaw + 4) * instrumentUnit * Math.sin(pose.angle);
      const angle = pose.angle + turn;
      const jawPose: Pose = {
        x: pinX - (jaw + 4) * instrumentUnit * Math.cos(angle),
        y: pinY - (jaw + 4) * instrumentUnit * Math.sin(angle),
        angle,
        open: 0,
      };
      sweep(jawPose, -2, jaw + 8, 14, (at, along, across) => {
        const outer = across * side;
        const reach =
          11 * Math.sqrt(Math.min(1, Math.max(0, (along + 2) / 16))) * (0.78 + 0.22 * (along / jaw));
        // Teeth along the inner edge, a window in the middle as fenestrated graspers have.
        const teeth = 1.2 * (((along / 5) | 0) & 1) - 1;
        const inside = Math.min(reach - outer, outer - teeth + 1);
        const fenestra = Math.hypot((along - jaw * 0.5) / 20, (outer - 5) / 2.4) < 1;
        const colour: Rgb = fenestra ? [46, 26, 26] : fromProfile(steel, (outer - 4.5) / 7);
        put(pixels, marks, at, colour, coverage(inside), grasperLabel);
      });
    }
  };

  const drawHook = (pixels: Uint32Array, pose: Pose, marks: Uint8Array | null): void => {
    const half = 12.5;
    sweep(pose, 74, 1600, half + 2, (at, along, across) => {
      const profile = along < 92 ? brass : black;
      put(
        pixels,
        marks,
        at,
        fromProfile(profile, across / half),
        coverage(half - Math.abs(across)),
        hookLabel,
      );
    });
    // The thin electrode and its bent end.
    sweep(pose, 8, 78, 7, (at, along, across) => {
      const thin = along > 52 ? 6 : 3.6;
      put(pixels, marks, at, fromProfile(steel, across / thin), coverage(thin - Math.abs(across)), hookLabel);
    });
    sweep(pose, -4, 18, 26, (at, along, across) => {
      const inside = Math.min(3.6 - Math.abs(along - 8 + 0.012 * across * across), across + 3.6, 24 - across);
      put(pixels, marks, at, fromProfile(steel, (along - 8) / 4), coverage(inside), hookLabel);
    });
  };

  const drawSmoke = (pixels: Uint32Array, now: Moment): void => {
    for (const started of smokeTimes) {
      const age = now.seconds - started;
      if (age < 0 || age > 2.6) continue;
      const strength = smoothstep(0, 0.35, age) * (1 - smoothstep(0.9, 2.6, age));
      const radius = (70 + 150 * age) * scale;
      const x0 = toX(795 + 26 * age);
      const y0 = toY(425 - 75 * age);
      for (let y = Math.max(0, Math.floor(y0 - radius)); y < Math.min(height, y0 + radius); y += 1) {
        const dy = (y - y0) / radius;
        const reach = radius * Math.sqrt(Math.max(0, 1 - dy * dy));
        const from = Math.max(rowFrom[y] as number, Math.floor(x0 - reach));
        const to = Math.min(rowTo[y] as number, Math.ceil(x0 + reach));
        const v = ((dy * 90 + 126 + age * 12) | 0) & 255;
        for (let x = from; x < to; x += 1) {
          const dx = (x - x0) / radius;
          const fall = 1 - dx * dx - dy * dy;
          const u = ((dx * 90 + 128 - age * 12) | 0) & 255;
          const alpha = ((smoke[v * 256 + u] as number) * strength * fall) | 0;
          if (alpha > 0) mix(pixels, y * width + x, 205, 200, 205, alpha > 215 ? 215 : alpha);
        }
      }
    }
  };

  const masksOf = (marks: Uint8Array): Mask[] => labelMasks(marks, labels.length, width, height);

  const truthOf = (index: number): Mask[] => {
    const marks = new Uint8Array(width * height);
    draw(index, new Uint32Array(width * height), marks);
    return masksOf(marks);
  };

  return {
    size: { width, height },
    framesPerSecond,
    pixelSpacingMm: null,
    objects: labels.map((label, i) => ({ id: i + 1, label })),
    render: (index, pixels) => draw(index, pixels, null),
    frame: (index) => {
      const pixels = new Uint32Array(width * height);
      const marks = new Uint8Array(width * height);
      draw(index, pixels, marks);
      const now = moment(index);
      return {
        rgb: packRgb(pixels),
        truth: masksOf(marks),
        measurements: { secondsInPeriod: now.seconds, grasperJawRadians: now.grasper.open },
      };
    },
    defaultPrompts: () => {
      // The hook is prompted once it stands well inside the picture.
      const moments = [0, 0, Math.round(4.2 * framesPerSecond)];
      return {
        objects: labels.map((label, i) => {
          const frame = moments[i] as number;
          const [x, y, w, h] = maskBox(truthOf(frame)[i] as Mask);
          return {
            label,
            prompts: [
              {
                moment: { kind: 'frame', frame } as const,
                prompt: { type: 'box', box: [x, y, x + w, y + h] } as const,
              },
            ],
          };
        }),
      };
    },
  };
}

/** Blend a colour over a pixel; alpha 0..255. */
function mix(pixels: Uint32Array, at: number, r: number, g: number, b: number, alpha: number): void {
  const under = pixels[at] as number;
  const keep = 255 - alpha;
  const red = ((under & 255) * keep + r * alpha) / 255;
  const green = (((under >>> 8) & 255) * keep + g * alpha) / 255;
  const blue = (((under >>> 16) & 255) * keep + b * alpha) / 255;
  pixels[at] = red | 0 | ((green | 0) << 8) | ((blue | 0) << 16);
}

/** Add white. */
function brighten(pixels: Uint32Array, at: number, add: number): void {
  const under = pixels[at] as number;
  const r = Math.min(255, (under & 255) + add);
  const g = Math.min(255, ((under >>> 8) & 255) + add * 0.97);
  const b = Math.min(255, ((under >>> 16) & 255) + add * 0.95);
  pixels[at] = r | 0 | ((g | 0) << 8) | ((b | 0) << 16);
}

interface Texture {
  readonly data: Uint32Array;
  readonly width: number;
  readonly height: number;
}

const clampByte = (value: number): number => (value < 0 ? 0 : value > 255 ? 255 : value) | 0;
const rgbWord = (r: number, g: number, b: number): number =>
  clampByte(r) | (clampByte(g) << 8) | (clampByte(b) << 16);

/** Liver above, yellow fat lobules below and to the left, peritoneum with branching vessels between. */
function tissueTexture(random: () => number, width: number, height: number, scale: number): Texture {
  const w = Math.round(width * 1.2);
  const h = Math.round(height * 1.25);
  const broad = valueNoise(random, w, h, 260 * scale, 3);
  const middle = valueNoise(random, w, h, 70 * scale, 4);
  const fine = valueNoise(random, w, h, 9 * scale, 3);
  const bend = valueNoise(random, w, h, 34 * scale, 3);
  const data = new Uint32Array(w * h);
  const vessels = vesselMap(random, w, h, scale);
  const lobules = cellular(random, w, h, 25 * scale);
  const at2 = (field: Float32Array, x: number, y: number): number =>
    field[Math.min(h - 1, Math.max(0, y | 0)) * w + Math.min(w - 1, Math.max(0, x | 0))] ?? 0.5;
  for (let y = 0; y < h; y += 1)
    for (let x = 0; x < w; x += 1) {
      const at = y * w + x;
      const n = bend[at] ?? 0.5;
      const m = middle[at] ?? 0.5;
      // Sampling through another noise hides the lattice of value noise.
      const wx = x + 70 * scale * (m - 0.5);
      const wy = y + 70 * scale * (n - 0.5);
      const b = at2(broad, wx, wy);
      const f = fine[at] ?? 0.5;
      // A wavy edge across the upper part: the liver.
      const edge = h * (0.4 + 0.2 * (b - 0.5)) + 0.16 * (x - w * 0.5) + 34 * scale * (m - 0.5);
      const liver = smoothstep(edge + 5 * scale, edge - 7 * scale, y);
      const fat = smoothstep(0.47, 0.56, b + 0.3 * (n - 0.5) + 0.35 * (y / h - 0.66)) * (1 - liver);
      const cell = at2(lobules, x + 14 * scale * (n - 0.5), y + 14 * scale * (f - 0.5));
      const pit = 0.78 + 0.44 * m;
      let r = 205 * pit + 22 * (n - 0.5);
      let g = 98 * pit + 34 * (b - 0.5);
      let bl = 90 * pit + 16 * (b - 0.5);
      const lobe = 0.8 + 0.3 * cell + 0.12 * (m - 0.5);
      r += fat * (240 * lobe - r);
      g += fat * (188 * lobe - g);
      bl += fat * (104 * lobe - bl);
      const sheen = 0.78 + 0.3 * m + 0.22 * n;
      r += liver * (138 * sheen - r);
      g += liver * (54 * sheen - g);
      bl += liver * (48 * sheen - bl);
      // The liver's lower edge throws a dark line.
      const crease = Math.exp(-(((y - edge - 4 * scale) / (9 * scale)) ** 2));
      const grain = 1.04 * (0.88 + 0.24 * f - 0.42 * crease);
      const vessel = (vessels[at] ?? 0) * (1 - 0.8 * liver);
      r = (r - vessel * 84) * grain;
      g = (g - vessel * 74) * grain;
      bl = (bl - vessel * 50) * grain;
      data[at] = rgbWord(r, g, bl);
    }
  return { data, width: w, height: h };
}

/** Rounded cells as of fat lobules: 1 in the middle of a cell, 0 at its border (Worley 1996, F2 − F1). */
function cellular(random: () => number, w: number, h: number, cell: number): Float32Array {
  const columns = Math.ceil(w / cell) + 3;
  const rows = Math.ceil(h / cell) + 3;
  const px = new Float32Array(columns * rows);
  const py = new Float32Array(columns * rows);
  for (let i = 0; i < px.length; i += 1) {
    px[i] = ((i % columns) - 1 + random()) * cell;
    py[i] = (Math.floor(i / columns) - 1 + random()) * cell;
  }
  const out = new Float32Array(w * h);
  for (let y = 0; y < h; y += 1) {
    const row = Math.floor(y / cell) + 1;
    for (let x = 0; x < w; x += 1) {
      const column = Math.floor(x / cell) + 1;
      let first = Infinity;
      let second = Infinity;
      for (let j = -1; j <= 1; j += 1)
        for (let i = -1; i <= 1; i += 1) {
          const k = (row + j) * columns + column + i;
          const dx = (px[k] as number) - x;
          const dy = (py[k] as number) - y;
          const d = dx * dx + dy * dy;
          if (d < first) {
            second = first;
            first = d;
          } else if (d < second) second = d;
        }
      out[y * w + x] = smoothstep(0, 0.55 * cell, Math.sqrt(second) - Math.sqrt(first));
    }
  }
  return out;
}

/** Branching vessels as darkness 0..1. */
function vesselMap(random: () => number, w: number, h: number, scale: number): Float32Array {
  const map = new Float32Array(w * h);
  const grow = (x: number, y: number, heading: number, radius: number, length: number): void => {
    let turn = 0;
    for (let step = 0; step < length; step += 1) {
      turn = turn * 0.9 + (random() - 0.5) * 0.055;
      heading += turn;
      x += Math.cos(heading);
      y += Math.sin(heading);
      const thick = radius * (1 - (0.5 * step) / length);
      for (let py = Math.max(0, Math.floor(y - thick)); py <= Math.min(h - 1, y + thick); py += 1)
        for (let px = Math.max(0, Math.floor(x - thick)); px <= Math.min(w - 1, x + thick); px += 1) {
          const d = 1 - Math.hypot(px - x, py - y) / thick;
          const at = py * w + px;
          if (d > 0) map[at] = Math.max(map[at] ?? 0, Math.min(0.9, d * 1.4));
        }
      if (radius > 1.4 && random() < 0.011)
        grow(
          x,
          y,
          heading + (random() < 0.5 ? -1 : 1) * (0.4 + 0.6 * random()),
          radius * 0.62,
          length * 0.55,
        );
    }
  };
  for (let i = 0; i < 30; i += 1)
    grow(
      random() * w,
      random() * h,
      random() * 2 * Math.PI,
      (1.6 + 2.4 * random()) * scale,
      (160 + 320 * random()) * scale,
    );
  return map;
}

interface Organ {
  /** R | G << 8 | B << 16 | alpha << 24, size × size, design pixels, long axis to the right. */
  readonly data: Uint32Array;
  readonly size: number;
  /** Farthest covered point from the centre, design pixels. */
  readonly reach: number;
}

/** A gallbladder: pear-shaped, grey-green and pink, with fine vessels, a sheen and its own reflections. */
function organTexture(random: () => number, scale: number): Organ {
  // The texture is made in design pixels, so its grain stays the same in larger pictures; scale only selects the detail.
  const detail = Math.max(1, Math.min(2, scale));
  const size = 460;
  const data = new Uint32Array(size * size);
  const slow = valueNoise(random, size, size, 90, 3);
  const fine = valueNoise(random, size, size, 10 / detail, 3);
  const outline = valueNoise(random, size, size, 60, 2);
  const vessels = vesselMap(random, size, size, 0.75);
  let reach = 0;
  for (let y = 0; y < size; y += 1)
    for (let x = 0; x < size; x += 1) {
      const at = y * size + x;
      const along = (x - size / 2) / 185;
      const across = (y - size / 2 + 12 * along * along) / 96;
      if (Math.abs(along) >= 1.15) continue;
      // Fundus to the left, neck to the right, where fat covers it.
      const half =
        Math.max(0, 1 - Math.abs(Math.min(along, 0.985)) ** 2.3) ** 0.5 *
        (1 - 0.5 * smoothstep(-0.05, 0.85, along));
      const limit = half * (0.95 + 0.22 * ((outline[at] ?? 0.5) - 0.5));
      const inside = (limit - Math.abs(across)) * 96;
      if (half === 0 || inside <= -18) continue;
      const covered = 1 - smoothstep(0.8, 0.97, along);
      if (inside <= -1) {
        // A soft dark rim where it lies on the liver, too faint to be part of its mask.
        const rim = Math.round(92 * (1 + inside / 18) ** 1.5 * covered);
        data[at] = (rgbWord(40, 8, 8) | (rim << 24)) >>> 0;
        continue;
      }
      const alpha = Math.min(255, Math.max(0, (inside + 1) * 127)) * covered;
      if (alpha > 0) reach = Math.max(reach, Math.hypot(x - size / 2, y - size / 2));
      const share = limit <= 0 ? 1 : Math.min(1, Math.abs(across) / limit);
      const round = Math.sqrt(1 - share * share);
      const mottle = slow[at] ?? 0.5;
      const level = (0.42 + 0.62 * round) * (0.84 + 0.32 * mottle) * (0.93 + 0.14 * (fine[at] ?? 0.5));
      const pink = smoothstep(0.38, 0.7, mottle + 0.25 * along);
      const vessel = (vessels[at] ?? 0) * 0.75;
      const sheen =
        44 *
        Math.exp(-(((across / Math.max(limit, 0.05) + 0.38) / 0.22) ** 2)) *
        Math.max(0, 1 - Math.abs(along + 0.1) ** 2);
      const glint =
        190 * smoothstep(0.6, 0.7, fine[at] ?? 0) * smoothstep(0.5, 0.62, mottle) * (sheen / 44) ** 2;
      const r = (146 + 58 * pink - 58 * vessel) * level + sheen + glint;
      const g = (141 - 16 * pink - 76 * vessel) * level + sheen + glint;
      const b = (112 + 6 * pink - 56 * vessel) * level + sheen + glint;
      data[at] = (rgbWord(r, g, b) | (Math.round(alpha) << 24)) >>> 0;
    }
  return { data, size, reach };
}

function smokeTexture(random: () => number): Uint8Array {
  const noise = valueNoise(random, 256, 256, 64, 4);
  return Uint8Array.from(noise, (value) => clampByte(360 * smoothstep(0.2, 0.8, value)));
}

interface Light {
  /** Brightness of each pixel, 256 = unchanged. */
  readonly shade: Uint16Array;
  /** The round content area: covered columns of each row. */
  readonly rowFrom: Int32Array;
  readonly rowTo: Int32Array;
}

/** The endoscope's own lamp: bright in the middle, falling off to the round edge of its view. */
function lightMap(width: number, height: number, scale: number): Light {
  const shade = new Uint16Array(width * height);
  const rowFrom = new Int32Array(height);
  const rowTo = new Int32Array(height);
  const radius = 0.575 * designHeight * scale;
  const cx = width / 2;
  const cy = height / 2;
  for (let y = 0; y < height; y += 1) {
    const half = Math.sqrt(Math.max(0, radius * radius - (y + 0.5 - cy) ** 2));
    rowFrom[y] = Math.max(0, Math.round(cx - half));
    rowTo[y] = Math.min(width, Math.round(cx + half));
    for (let x = rowFrom[y] ?? 0; x < (rowTo[y] ?? 0); x += 1) {
      const d = Math.hypot(x + 0.5 - cx, y + 0.5 - cy) / radius;
      const lamp = 1 - 0.5 * d * d - 0.14 * d ** 6;
      const rim = smoothstep(1, 0.965, d);
      shade[y * width + x] = 256 * Math.max(0, lamp) * rim;
    }
  }
  return { shade, rowFrom, rowTo };
}

interface Highlight {
  readonly u: number;
  readonly v: number;
  readonly rx: number;
  readonly ry: number;
  readonly tilt: number;
  readonly rate: number;
  readonly turn: number;
}

function placeHighlights(random: () => number, w: number, h: number, scale: number): Highlight[] {
  return Array.from({ length: 90 }, () => {
    const large = random() < 0.2;
    const rx = (large ? 7 + 9 * random() : 2 + 4 * random()) * scale;
    return {
      u: random() * w,
      v: random() * h,
      rx: rx + 1,
      ry: rx * (0.35 + 0.4 * random()) + 1,
      tilt: random() * Math.PI,
      rate: 0.05 + 0.25 * random(),
      turn: random() * 6.28,
    };
  });
}
