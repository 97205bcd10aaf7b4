/** Parts of questions that several tables of operations have. Pure; shared with the browser. */
import { z } from 'zod';

export const streamSchema = z
  .string()
  .min(1)
  .max(128)
  .meta({ description: 'id of the stream', examples: ['laparoscopy'] });

/** A whole number, as a number or (where it stands in an address) as text. Nothing else is taken for one: null is not 0. */
export function whole(least: number, most: number) {
  const number = z.number().int().min(least).max(most);
  return z.union([
    number,
    z
      .string()
      .regex(/^\d{1,10}$/)
      .transform(Number)
      .pipe(number),
  ]);
}
