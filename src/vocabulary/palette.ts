/**
 * Colours of objects: one object has the same colour in the browser, in the outlines for Foxglove, in recordings and in exports.
 * Pure; runs in any thread and in the browser; throws nothing.
 *
 * One set per kind of picture. Each was searched for: eight colours that stay apart for every eye, normal or colour-blind
 * (Machado, Oliveira and Fernandes 2009; differences in OKLab, Ottosson 2020), and that stand out from the colours of tissue, sampled
 * from real pictures. None is white or grey: on ultrasound those are echoes. palette.test.ts holds the limits. Every outline also has
 * a dark halo, a number and a line style, so colour is never alone.
 */
import { isHexColour, type HexColour } from './hex-colour.js';
import type { PictureKind } from './picture-kind.js';

export const palettes: Readonly<Record<PictureKind, readonly HexColour[]>> = {
  endoscopy: ['#affec4', '#9e21f8', '#29b1ad', '#e6bb46', '#fbed50', '#b775fe', '#b4acfa', '#4dddb0'],
  ultrasound: ['#6555fe', '#fbed50', '#c8900f', '#60d3ee', '#6d9edf', '#9f6b1e', '#e6b96b', '#affec4'],
  doppler: ['#a256a1', '#cdfa92', '#72af52', '#da93c8', '#48fbf6', '#4c884c', '#ef3bf0', '#a1d18a'],
};

/**
 * The place in the set that a new object gets: the first that no living object has. With more objects than colours the set begins anew.
 * An object that ends frees its place; a living object keeps it.
 */
export function freeSlot(taken: Iterable<number>): number {
  const used = new Set(taken);
  let slot = 0;
  while (used.has(slot)) slot++;
  return slot;
}

/** Where nobody has given a slot (recordings of before, lists of objects that are all known beforehand): by number. */
export const slotOfId = (objectId: number): number => Math.max(0, objectId - 1);

export function colourOf(slot: number, kind: PictureKind = 'endoscopy'): HexColour {
  const set = palettes[kind];
  return set[slot % set.length] ?? '#affec4';
}

/** What a message says an object's colour is; recordings of before say nothing. */
export const toldColour = (told: string, objectId: number): HexColour =>
  isHexColour(told) ? told : colourOf(slotOfId(objectId));
