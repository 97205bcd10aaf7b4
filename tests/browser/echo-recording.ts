/**
 * A recording in which a heart is measured, as the server offers it: the beating synthetic heart, beats of a known length, and
 * corrections that are measured anew from the volumes of its pictures, so that a test knows every figure.
 */
import { wireFormat } from '../../src/protocol/source-format.js';
import { uniformCalibration } from '../../src/vocabulary/calibration.js';
import { map, Subject } from 'rxjs';
import sharp from 'sharp';
import { maskArea, maskFromCocoString, maskToCocoString } from '../../src/mask/rle.js';
import { resizeMask } from '../../src/mask/resize.js';
import {
  laneCode,
  projectEventSchema,
  projectOperations,
  projectsTopic,
  projectTransfers,
} from '../../src/protocol/project-requests.js';
import type { Correction, ProjectEvent, ProjectState } from '../../src/protocol/project-requests.js';
import type { ResponseOf } from '../../src/protocol/operations.js';
import { replayError } from '../../src/replay/errors.js';
import { defineServices, defineTransfer } from '../../src/server/index.js';
import type { Row, Topic } from '../../src/server/index.js';
import { chambers } from '../../src/vocabulary/echo.js';
import type { Mask } from '../../src/vocabulary/mask.js';
import { beatPictures, echoMaskSize, echoSize, heart } from './echo-scene.js';

type Measurements = ResponseOf<'projects.measurements'>;
type Figure = Measurements['summary']['heartRate'];

const framesPerSecond = 25;
const finder = 'echo-lv';
const id = 'echo-case';

const figure = (value: number | null, unit: string, more: Partial<Figure> = {}): Figure => ({
  ...{ value, unit, interval: null, quality: value === null ? 'rejected' : 'good', note: '' },
  ...more,
});
const middle = (values: readonly number[]): number | null => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
};

export class EchoRecording {
  readonly corrections: Correction[] = [];
  /** Another recording, of which the page is told that it may show the other view. */
  readonly partner = { project: 'echo-case-two', name: 'echo case A2C' };
  #pair: ProjectState['pair'] = null;
  readonly #changes = new Subject<ProjectEvent>();
  #finder: string | null = null;
  #found = false;
  readonly #systole: number;

  constructor(
    readonly beats: number,
    /** Why a beat does not count; '': it does. */
    readonly verdict: (beat: number) => string = () => '',
  ) {
    const volumes = heart().map(({ volumeMl }) => volumeMl);
    this.#systole = volumes.indexOf(Math.min(...volumes));
  }

  get frames(): number {
    return this.beats * beatPictures + 1;
  }

  get state(): ProjectState {
    return {
      ...{ id, name: 'echo case', uri: '/echo.mp4', createdUnixMs: 1_764_500_000_000, exports: [] },
      format: wireFormat({
        ...{ size: echoSize, framesPerSecond, calibration: uniformCalibration({ x: 0.3, y: 0.3 }) },
        ...{ frameCount: this.frames, description: 'made by hand' },
      }),
      pictures: { frames: this.frames, complete: true, problem: null },
      ...{ objects: [], redo: null, exportable: this.#found },
      undo: this.corrections.length === 0 ? null : { kind: 'correct', label: null },
      run: { phase: 'idle' },
      ...{ upToDate: this.#found, finder: this.#finder, measuresHeart: this.#finder !== null },
      ...{ corrections: this.corrections.length, pair: this.#pair },
    };
  }

  #maskOf(frame: number, name: keyof typeof chambers): { readonly mask: Mask; readonly corrected: boolean } {
    const drawn = this.corrections.findLast(
      (one) => one.kind === 'contour' && one.frame === frame && one.label === chambers[name],
    );
    const found = heart()[frame % beatPictures]?.[name];
    if (!found) throw new Error('the heart has no pictures');
    if (drawn?.kind !== 'contour') return { mask: found, corrected: false };
    const [height, width] = drawn.mask.size;
    const mask = maskFromCocoString(drawn.mask.counts, width, height);
    return { mask: resizeMask(mask, echoMaskSize), corrected: true };
  }

  volumeAt(frame: number): number {
    const { mask, corrected } = this.#maskOf(frame, 'ventricle');
    const { volumeMl = 0, ventricle } = heart()[frame % beatPictures] ?? {};
    return corrected && ventricle ? volumeMl * (maskArea(mask) / maskArea(ventricle)) ** 1.5 : volumeMl;
  }

  get measurements(): Measurements {
    const corrected = (beat: number, which: 'end-diastole' | 'end-systole', frame: number) => {
      const moved = this.corrections.findLast(
        (one) => one.kind === 'moment' && one.beat === beat && one.which === which,
      );
      const at = moved?.kind === 'moment' ? moved.frame : frame;
      const drawn = this.#maskOf(at, 'ventricle').corrected;
      return { frame: at, timeSeconds: at / framesPerSecond, corrected: moved !== undefined || drawn };
    };
    const beats = Array.from({ length: this.beats }, (_, index): Measurements['beats'][number] => {
      const number = index + 1;
      const first = index * beatPictures;
      const endDiastole = corrected(number, 'end-diastole', first);
      const endSystole = corrected(number, 'end-systole', first + this.#systole);
      const said = this.corrections.findLast((one) => one.kind === 'accept' && one.beat === number);
      const why = this.verdict(number);
      const accepted = said?.kind === 'accept' ? said.accepted : why === '';
      const largest = this.volumeAt(endDiastole.frame);
      const smallest = this.volumeAt(endSystole.frame);
      return {
        ...{ number, endDiastole, endSystole, accepted, rejection: null, added: false },
        nextEndDiastole: corrected(number + 1, 'end-diastole', first + beatPictures),
        endDiastolicVolume: figure(largest, 'mL'),
        endSystolicVolume: figure(smallest, 'mL'),
        strokeVolume: figure(largest - smallest, 'mL'),
        ejectionFraction: figure((100 * (largest - smallest)) / largest, '%'),
        ...{ fractionalAreaChange: null, heartRate: figure(50, '/min') },
        reason: accepted ? '' : why === '' ? 'a person has rejected it' : why,
        corrected: said !== undefined || endDiastole.corrected || endSystole.corrected,
      };
    });
    this.corrections
      .filter((one) => one.kind === 'add')
      .forEach(({ endDiastole, endSystole, nextEndDiastole }, index) => {
        const at = (frame: number) => ({ frame, timeSeconds: frame / framesPerSecond, corrected: true });
        const [largest, smallest] = [this.volumeAt(endDiastole), this.volumeAt(endSystole)];
        beats.push({
          ...{ number: this.beats + 1 + index, added: true, accepted: true, corrected: true },
          ...{
            endDiastole: at(endDiastole),
            endSystole: at(endSystole),
            nextEndDiastole: at(nextEndDiastole),
          },
          endDiastolicVolume: figure(largest, 'mL'),
          endSystolicVolume: figure(smallest, 'mL'),
          strokeVolume: figure(largest - smallest, 'mL'),
          ejectionFraction: figure((100 * (largest - smallest)) / largest, '%'),
          ...{ fractionalAreaChange: null, heartRate: figure(50, '/min'), rejection: null, reason: '' },
        });
      });
    const counted = beats.filter(({ accepted }) => accepted);
    const by = (name: 'endDiastolicVolume' | 'endSystolicVolume' | 'ejectionFraction' | 'heartRate') =>
      middle(counted.flatMap((beat) => beat[name]?.value ?? []));
    const ef = by('ejectionFraction');
    const isCorrected = this.corrections.length > 0;
    const note = `single-plane, ${counted.length} ${counted.length === 1 ? 'beat' : 'beats'}`;
    return {
      ...{ units: { length: 'mm', area: 'mm2', volume: 'mL' }, calibrated: true, frames: this.frames },
      curve: this.#found
        ? Array.from({ length: this.frames }, (_, frame) => ({
            ...{ frame, timeSeconds: frame / framesPerSecond, area: 3000, length: 80 },
            ...{ volume: this.volumeAt(frame), state: 'tracking' as const, quality: 'good' as const },
            corrected: this.#maskOf(frame, 'ventricle').corrected,
          }))
        : [],
      ...{ beats: this.#found ? beats : [], beatsLeftOut: 0 },
      summary: {
        ...{ beats: counted.length, rejected: beats.length - counted.length, corrected: isCorrected },
        ejectionFraction: figure(ef, '%', {
          note: ef === null ? 'single-plane, 0 beats: no beat counts' : note,
          interval: ef === null ? null : { low: ef - 6, high: ef + 6 },
        }),
        endDiastolicVolume: figure(by('endDiastolicVolume'), 'mL'),
        endSystolicVolume: figure(by('endSystolicVolume'), 'mL'),
        heartRate: figure(by('heartRate'), '/min'),
      },
      biplane: this.#pair && {
        ...this.#pair,
        ejectionFraction: figure(ef === null ? null : ef + 2, '%', {
          note: 'biplane, 3 + 4 beats, interval assumed, not calibrated',
          interval: ef === null ? null : { low: ef - 5, high: ef + 9 },
        }),
        endDiastolicVolume: figure(by('endDiastolicVolume'), 'mL'),
        endSystolicVolume: figure(by('endSystolicVolume'), 'mL'),
      },
      corrections: this.corrections.map((one) => {
        const given = { author: 'person' as const, atUnixMs: 0 };
        if (one.kind !== 'contour') return { ...one, ...given };
        return { kind: one.kind, frame: one.frame, label: one.label, ...given };
      }),
    };
  }

  get topic(): Topic {
    return {
      ...{ topic: projectsTopic, schemaName: 'sonoscope.ProjectEvent', schema: projectEventSchema },
      changes$: this.#changes.pipe(map((event) => ({ slot: id, value: () => event }))),
      latest: () => [],
    };
  }

  #changed(): ProjectState {
    const { state } = this;
    this.#changes.next({ id, state });
    return state;
  }

  rows(): readonly Row[] {
    const shapes = {
      'projects.list': projectOperations['projects.list'],
      'projects.get': projectOperations['projects.get'],
      'projects.masks': projectOperations['projects.masks'],
      'projects.lanes': projectOperations['projects.lanes'],
      'projects.measurements': projectOperations['projects.measurements'],
      'projects.finder': projectOperations['projects.finder'],
      'projects.propagate': projectOperations['projects.propagate'],
      'projects.correct': projectOperations['projects.correct'],
      'projects.undo': projectOperations['projects.undo'],
      'projects.partners': projectOperations['projects.partners'],
      'projects.pair': projectOperations['projects.pair'],
    } as const;
    const names = ['ventricle', 'wall', 'atrium'] as const;
    const services = defineServices(shapes, {
      'projects.list': () => ({
        projects: [this.state],
        finders: [{ name: finder, finds: names.map((name) => chambers[name]), measuresHeart: true }],
      }),
      'projects.get': () => this.state,
      'projects.masks': ({ frame }) => ({
        frame,
        size: this.#found ? echoMaskSize : null,
        objects: (this.#found ? names : []).map((name) => {
          const { mask, corrected } = this.#maskOf(frame, name);
          return {
            ...{ label: chambers[name], state: 'tracking' as const, score: 0.9, confidence: 0.9, corrected },
            ...{ areaPx: maskArea(mask), counts: maskToCocoString(mask), marked: false },
          };
        }),
      }),
      'projects.lanes': ({ buckets }) => ({
        lanes: (this.#found ? names : []).map((name) => ({
          label: chambers[name],
          states: Array.from({ length: buckets }, () => laneCode('tracking')),
          confidences: Array.from({ length: buckets }, () => 90),
        })),
      }),
      'projects.measurements': () => this.measurements,
      'projects.finder': ({ finder: chosen }) => {
        this.#finder = chosen;
        this.#found = false;
        return this.#changed();
      },
      'projects.propagate': () => {
        this.#found = true;
        return this.#changed();
      },
      'projects.correct': ({ correction }) => {
        // As the server: a beat cannot lie over another that counts.
        if (correction.kind === 'add') {
          const under = this.measurements.beats.find(
            ({ accepted, endDiastole, nextEndDiastole }) =>
              accepted &&
              (endDiastole?.frame ?? Infinity) < correction.nextEndDiastole &&
              correction.endDiastole < (nextEndDiastole?.frame ?? 0),
          );
          const problem = `it lies over beat ${under?.number}, which counts: reject that one first`;
          if (under) throw replayError('SONO_PROJECT_CORRECTION', { problem });
        }
        this.corrections.push(correction);
        return this.#changed();
      },
      'projects.partners': () => ({
        partners: [{ ...this.partner, near: 'name' as const, view: 'a4c' as const }],
      }),
      'projects.pair': ({ partner, view }) => {
        this.#pair = partner === null ? null : { partner, view };
        return this.#changed();
      },
      'projects.undo': () => {
        this.corrections.pop();
        return this.#changed();
      },
    });
    const picture = defineTransfer(
      'projects.picture',
      projectTransfers['projects.picture'],
      async ({ frame }) => {
        const { rgb } = heart()[frame % beatPictures] ?? {};
        if (!rgb) throw new Error('the heart has no pictures');
        const image = sharp(rgb, { raw: { ...echoSize, channels: 3 } });
        return { body: await image.jpeg().toBuffer() };
      },
    );
    return [...services, picture];
  }
}
