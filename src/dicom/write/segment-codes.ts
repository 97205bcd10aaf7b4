/** From a label to the codes of a DICOM segment: category and type in SNOMED CT (PS3.16, CID 7150 and its companions). Pure. */
import type { Code } from './elements.js';

const sct = (value: string, meaning: string): Code => ({ value, scheme: 'SCT', meaning });

const tissue = sct('85756007', 'Tissue');
const anatomy = sct('123037004', 'Anatomical Structure');
const object = sct('260787004', 'Physical object');
const lesion = sct('49755003', 'Morphologically Altered Structure');

/** Words of a label → category and type; the first that is found counts. */
const known: readonly (readonly [words: RegExp, category: Code, type: Code])[] = [
  [/gall ?bladder/, anatomy, sct('28231008', 'Gallbladder')],
  [/liver/, anatomy, sct('10200004', 'Liver')],
  [/left ventric|\blv\b/, anatomy, sct('87878005', 'Left ventricle')],
  [/right ventric|\brv\b/, anatomy, sct('53085002', 'Right ventricle')],
  [/left atri|\bla\b/, anatomy, sct('82471001', 'Left atrium')],
  [/right atri|\bra\b/, anatomy, sct('73829009', 'Right atrium')],
  [/myocard/, anatomy, sct('74281007', 'Myocardium')],
  [/kidney/, anatomy, sct('64033007', 'Kidney')],
  [/stomach/, anatomy, sct('69695003', 'Stomach')],
  [/colon/, anatomy, sct('71854001', 'Colon')],
  [/small (intestine|bowel)/, anatomy, sct('30315005', 'Small intestine')],
  [/polyp/, lesion, sct('41329004', 'Polyp')],
  [/needle/, object, sct('79068005', 'Needle')],
  [
    /instrument|forceps|grasper|scissors|clasper|shaft|tool|driver|hook|clip|retractor|stapler|trocar|probe/,
    object,
    sct('57134006', 'Instrument'),
  ],
];

export function segmentCodes(label: string): { readonly category: Code; readonly type: Code } {
  const words = label.toLowerCase();
  const match = known.find(([pattern]) => pattern.test(words));
  return match === undefined ? { category: tissue, type: tissue } : { category: match[1], type: match[2] };
}
