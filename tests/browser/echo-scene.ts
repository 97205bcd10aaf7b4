/**
 * A room like one whose model finds the left ventricle: a beating synthetic heart, its three structures, and measurements made by
 * hand over the real wire, so that a test decides which beat counts and when there is no number. What is held is held as in any room.
 */
import { isCalibrated, uniformCalibration } from '../../src/vocabulary/calibration.js';
import { chambers, echoMeasures } from '../../src/vocabulary/echo.js';
import type { EchoMeasure } from '../../src/vocabulary/echo.js';
import type { FrameIdentity } from '../../src/vocabulary/frame.js';
import type { Mask } from '../../src/vocabulary/mask.js';
import type { Measurement } from '../../src/vocabulary/measurement.js';
import type { FrameResult } from '../../src/engine/engine.js';
import { syntheticScene } from '../../src/ingest/synthetic/index.js';
import { resizeMask } from '../../src/mask/resize.js';
import { emptyMask, maskArea, maskBox, maskFromBitmap, maskToBitmap } from '../../src/mask/rle.js';
import { BiplaneStudy } from '../../src/pipeline/biplane-study.js';
import { RoomEcho } from '../../src/pipeline/room-echo.js';
import { NumberedRoom } from './numbered-room.js';
import type { RoomPlan } from './numbered-room.js';

export const echoSize = { width: 640, height: 480 };
export const echoMaskSize = { width: 160, height: 120 };
/** Pictures of one beat: the scene has 66 beats per minute, so it repeats itself exactly at this rate. */
export const beatPictures = 30;
const sceneRate = 33;
/** A moment is decided this many pictures later. */
const decisionPictures = 2;
/** Half the width of the interval around the ejection fraction, percent points. */
const halfWidth = 6;

interface HeartPicture {
  readonly rgb: Uint8Array;
  readonly ventricle: Mask;
  readonly wall: Mask;
  readonly atrium: Mask;
  readonly volumeMl: number;
}

/** What lies within `reach` mask pixels of the ventricle and is neither it nor the atrium. */
function wallOf(ventricle: Mask, atrium: Mask, reach: number): Mask {
  const { width, height } = ventricle;
  const inside = maskToBitmap(ventricle);
  const taken = maskToBitmap(atrium);
  const wall = new Uint8Array(width * height);
  for (let y = reach; y < height - reach; y += 1)
    for (let x = reach; x < width - reach; x += 1) {
      if (inside[y * width + x] !== 1) continue;
      for (let dy = -reach; dy <= reach; dy += 1)
        for (let dx = -reach; dx <= reach; dx += 1) {
          const at = (y + dy) * width + x + dx;
          if (dx * dx + dy * dy <= reach * reach && inside[at] !== 1 && taken[at] !== 1) wall[at] = 1;
        }
    }
  return maskFromBitmap(wall, width, height);
}

let made: readonly HeartPicture[] | null = null;

export function heart(): readonly HeartPicture[] {
  if (made) return made;
  const scene = syntheticScene('echo', { ...echoSize, framesPerSecond: sceneRate });
  made = Array.from({ length: beatPictures }, (_, index) => {
    const { rgb, truth, measurements } = scene.frame(index);
    const masks = truth.map((mask) => resizeMask(mask, echoMaskSize));
    const none = emptyMask(echoMaskSize.width, echoMaskSize.height);
    const ventricle = masks[0] ?? none;
    const atrium = masks[1] ?? none;
    return {
      ...{ rgb, ventricle, atrium, wall: wallOf(ventricle, atrium, 6) },
      volumeMl: measurements['lvVolumeMl'] ?? 0,
    };
  });
  return made;
}

export class EchoRoom extends NumberedRoom {
  /** Why a beat does not count; '': it does. By its number. */
  verdict: (beat: number) => string = () => '';
  /** Why there is no view now, null: there is one. */
  lost: string | null = null;
  /** What two views give besides: a test says it. */
  biplane: readonly Measurement[] = [];
  /** What people hold, as in every room. */
  readonly echo: RoomEcho;
  readonly #heart = heart();
  readonly #moments = new Map<number, number>();
  #counted: { readonly number: number; readonly ef: number }[] = [];
  readonly #systole: number;

  constructor(id: string, plan: Partial<RoomPlan> = {}, label = 'Echo lab') {
    super(id, { framesPerSecond: 25, size: echoSize, maskSize: echoMaskSize, ...plan }, label);
    const spacing = syntheticScene('echo', { ...echoSize, framesPerSecond: sceneRate }).pixelSpacingMm;
    this.format = { ...this.format, calibration: uniformCalibration(spacing) };
    const { engine } = this.health;
    if (engine)
      this.health = {
        ...this.health,
        engine: { ...engine, kind: 'semantic', modelName: 'echo-lv', policy: '' },
      };
    this.echo = new RoomEcho({
      ...{ id, label, epochUnixNs: this.epochUnixNs, sourceUri: () => this.sourceUri },
      ...{ format: () => this.format, engine: () => this.health.engine, onHeld: () => undefined },
      biplane: new BiplaneStudy().join(id, null),
      onChange: () => {
        this.health = { ...this.health, echoView: this.echo.view };
      },
    });
    this.events$.subscribe((event) => this.echo.take(event));
    const volumes = this.#heart.map(({ volumeMl }) => volumeMl);
    this.#systole = volumes.indexOf(Math.min(...volumes));
  }

  get volumes(): { readonly largest: number; readonly smallest: number; readonly ef: number } {
    const largest = this.#heart[0]?.volumeMl ?? 0;
    const smallest = this.#heart[this.#systole]?.volumeMl ?? 0;
    return { largest, smallest, ef: (100 * (largest - smallest)) / largest };
  }

  #pictureAt(frame: number): HeartPicture {
    const one = this.#heart[frame % beatPictures];
    if (!one) throw new Error('the heart has no pictures');
    return one;
  }

  protected override paint({ sourceFrame }: FrameIdentity): Uint8Array {
    return this.#pictureAt(sourceFrame).rgb;
  }

  override resultOf(identity: FrameIdentity): FrameResult {
    const { ventricle, wall, atrium } = this.#pictureAt(identity.sourceFrame);
    const none = emptyMask(echoMaskSize.width, echoMaskSize.height);
    const structures = [
      [chambers.ventricle, ventricle],
      [chambers.wall, wall],
      [chambers.atrium, atrium],
    ] as const;
    return {
      ...super.resultOf(identity),
      objects: structures.map(([label, whole], index) => {
        const mask = this.lost === null ? whole : none;
        return {
          ...{
            id: index + 1,
            label,
            state: this.lost === null ? ('tracking' as const) : ('searching' as const),
          },
          ...{ score: 0.93, confidence: this.lost === null ? 0.93 - 0.04 * index : 0, mask },
          ...{ box: maskBox(mask), areaPx: maskArea(mask) },
        };
      }),
    };
  }

  /** Moments two pictures after they were, verdicts with the end-diastole that closes a beat, the readout on every picture. */
  override measured({ frame }: FrameResult): readonly Measurement[] {
    const { ptsNs, sourceFrame } = frame;
    this.#moments.set(sourceFrame, ptsNs);
    this.#moments.delete(sourceFrame - 2 * beatPictures);
    const said: Measurement[] = [];
    const { largest, smallest, ef } = this.volumes;
    const calibrated = isCalibrated(this.format.calibration);
    const say = (
      name: EchoMeasure,
      value: number | null,
      unit: string,
      more: Partial<Measurement> = {},
    ): void => {
      // Uncalibrated volumes are in pixels; here only their size matters.
      const scaled = unit === 'mL' && !calibrated && value !== null ? value * 1000 : value;
      said.push({
        ...{ name, value: scaled, unit: unit === 'mL' && !calibrated ? 'px3' : unit, interval: null },
        ...{ quality: 'good', note: '', objectId: 1 },
        ...more,
      });
    };
    if (this.lost === null) say(echoMeasures.volume, this.#pictureAt(sourceFrame).volumeMl, 'mL');
    const decided = sourceFrame - decisionPictures;
    const at = this.#moments.get(decided);
    const beat = Math.floor(decided / beatPictures) + 1;
    if (at !== undefined && decided >= 0) {
      const moment = { beat, atPtsNs: at };
      if (this.lost === null && decided % beatPictures === this.#systole)
        say(echoMeasures.endSystole, smallest, 'mL', moment);
      if (decided % beatPictures === 0) {
        if (this.lost === null) say(echoMeasures.endDiastole, largest, 'mL', moment);
        if (beat > 1) this.#close(beat - 1, say);
      }
    }
    const last = this.#counted.slice(-5);
    const why = this.lost ?? (last.length === 0 ? 'waiting for a whole beat' : null);
    const readout = (name: EchoMeasure, value: number, unit: string, wide = 0): void =>
      say(name, why === null ? value : null, unit, {
        ...(why === null
          ? {
              note: `single-plane, ${last.length} ${last.length === 1 ? 'beat' : 'beats'}`,
              interval: wide > 0 ? { low: value - wide, high: value + wide } : null,
            }
          : { quality: 'rejected', note: `single-plane, 0 beats: ${why}` }),
      });
    readout(echoMeasures.ejectionFraction, ef, '%', halfWidth);
    readout(echoMeasures.endDiastolicVolume, largest, 'mL');
    readout(echoMeasures.endSystolicVolume, smallest, 'mL');
    readout(echoMeasures.heartRate, (60 * 25) / beatPictures, '/min');
    return [...said, ...this.biplane];
  }

  #close(
    number: number,
    say: (name: EchoMeasure, value: number | null, unit: string, more: Partial<Measurement>) => void,
  ): void {
    const reason = this.lost === null ? this.verdict(number) : this.lost;
    const { largest, smallest, ef } = this.volumes;
    const verdict: Partial<Measurement> =
      reason === '' ? { beat: number } : { beat: number, quality: 'rejected', note: reason };
    say(echoMeasures.beatEndDiastolicVolume, largest, 'mL', verdict);
    say(echoMeasures.beatEndSystolicVolume, smallest, 'mL', verdict);
    say(echoMeasures.beatEjectionFraction, reason === '' ? ef : null, '%', verdict);
    if (reason === '') this.#counted.push({ number, ef });
    else this.#counted = this.lost === null ? this.#counted : [];
  }
}
