/** What a person makes of a project: marks, traits of objects, corrections. Everything here can be taken back. Pure. */
import { z } from 'zod';
import { storedPromptSchema } from '../protocol/prompt-schema.js';
import { correctionSchema } from '../protocol/project-requests.js';

export const plannedPromptSchema = z.object({ frame: z.int().min(0), prompt: storedPromptSchema });
export const trackedPlanSchema = z.array(
  z.object({ label: z.string(), prompts: z.array(plannedPromptSchema).min(1) }),
);
/** What objects were tracked with: each with its marks, without who gave them. */
export type TrackedPlan = z.infer<typeof trackedPlanSchema>;

/** One mark; projects of earlier versions know of frame and prompt alone. */
export const storedMarkSchema = plannedPromptSchema.extend({
  id: z.int().min(1),
  author: z.enum(['person', 'import']),
  atUnixMs: z.number().nullable(),
});
export type StoredMark = Readonly<z.infer<typeof storedMarkSchema>>;

interface StoredObject {
  readonly label: string;
  /** In the order in which they were given; at least one. */
  readonly prompts: readonly StoredMark[];
}
/** Objects in the order in which they were first pointed at. */
export type StoredPlan = readonly StoredObject[];

export const storedCorrectionSchema = z.object({
  correction: correctionSchema,
  author: z.literal('person'),
  atUnixMs: z.number(),
});
export type StoredCorrection = z.infer<typeof storedCorrectionSchema>;

export const traitSchema = z.object({
  label: z.string(),
  hidden: z.boolean(),
  locked: z.boolean(),
  /** #rrggbb of imported masks. */
  color: z.string().nullable(),
});
export type StoredTrait = z.infer<typeof traitSchema>;

/** What a person has made of a project: all that can be taken back. Never changed in place: steps share what they have in common. */
export interface ProjectDocument {
  readonly plan: StoredPlan;
  /** Of marked and of found objects; those without are shown, open, and coloured by the page. */
  readonly traits: readonly StoredTrait[];
  /** In the order in which they were given. */
  readonly corrections: readonly StoredCorrection[];
}
