/**
 * Words of an echocardiographic room: which chambers its model outlines, under which names its measurements travel, and why a
 * beat is not measured. Shared by the producer (analysis), the wire, exports, evaluation and the page. Pure.
 */

/** Labels of the three structures in the apical four-chamber view (CAMUS, Leclerc et al. 2019). */
export const chambers = {
  ventricle: 'left ventricle',
  wall: 'myocardium',
  atrium: 'left atrium',
} as const;

/** The apical views whose two outlines give one volume. What nobody has marked is four-chamber. */
export const echoViews = ['a4c', 'a2c'] as const;
export type EchoView = (typeof echoViews)[number];

export const echoViewWords: Readonly<Record<EchoView, string>> = {
  a4c: 'apical four-chamber',
  a2c: 'apical two-chamber',
};

export function otherView(view: EchoView): EchoView {
  return view === 'a4c' ? 'a2c' : 'a4c';
}

/**
 * Names of the measurements (`Measurement.name`). Lengths are mm, areas mm2, volumes mL where the source is calibrated, else `px`,
 * `px2`, `px3`; ratios are `%`, rates `/min`.
 */
export const echoMeasures = {
  // On every analysed frame on which the ventricle is seen.
  area: 'lv_area',
  length: 'lv_length',
  volume: 'lv_volume',
  // Moments, sent when they are decided: `atPtsNs` says when they were, `beat` which beat they begin (ED) or belong to (ES).
  endDiastole: 'lv_end_diastole',
  endSystole: 'lv_end_systole',
  // One of each per beat, sent when the next end-diastole closes it: good, or rejected with its reason as the note.
  beatEndDiastolicVolume: 'beat_edv',
  beatEndSystolicVolume: 'beat_esv',
  beatStrokeVolume: 'beat_sv',
  beatEjectionFraction: 'beat_ef',
  beatFractionalAreaChange: 'beat_fac',
  beatHeartRate: 'beat_heart_rate',
  // Of each beat that counts, for the method of disks in two views: the value is the length of the long axis, `values` are the
  // diameters of the disks, apex first; `mm`, or `px`.
  beatEndDiastolicDisks: 'beat_ed_disks',
  beatEndSystolicDisks: 'beat_es_disks',
  // What a person reads, on every frame: the median of the last accepted beats with its interval, or no value and the reason.
  ejectionFraction: 'ef_single_plane',
  endDiastolicVolume: 'edv_single_plane',
  endSystolicVolume: 'esv_single_plane',
  heartRate: 'heart_rate',
  // The same from two views (biplane), on every frame of a stream whose view was marked or that has a partner.
  biplaneEjectionFraction: 'ef_biplane',
  biplaneEndDiastolicVolume: 'edv_biplane',
  biplaneEndSystolicVolume: 'esv_biplane',
} as const;

export type EchoMeasure = (typeof echoMeasures)[keyof typeof echoMeasures];

/** Why a beat does not count, or why there is no number at present: codes with the words that people read. */
export const beatRejections = {
  'view-lost': 'the four-chamber view was lost',
  'two-hearts': 'two hearts are shown side by side: show one of them alone',
  foreshortened: 'the ventricle is foreshortened: its long axis is shorter than in other beats',
  'cut-by-sector': 'the ventricle is cut by the edge of the sector',
  'low-confidence': 'the outline is uncertain',
  incomplete: 'the cycle is incomplete',
  repeated: 'the same pictures come again and again: a loop, not a beating heart',
  'rate-too-low': 'there are too few pictures per second',
  irregular: 'the beat differs in length from the others',
  moved: 'the probe moved',
  implausible: 'the volumes cannot be right',
  'by-hand': 'a person has rejected it',
} as const;

export type BeatRejection = keyof typeof beatRejections;
