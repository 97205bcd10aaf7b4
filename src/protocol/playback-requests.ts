/** What can be asked of a recording that is played as a room, and the topic that says where it is. Pure; shared with the browser. */
import { z } from 'zod';
import type { OperationShape } from './operation.js';
import { streamSchema as stream } from './request-parts.js';

/** 1: as fast as it was recorded. */
export const playbackSpeeds = { least: 0.05, most: 16 } as const;

export const playbackStateSchema = z.object({
  paused: z.boolean(),
  positionMs: z.number().describe('of the picture that is shown, from the first one'),
  durationMs: z.number(),
  speed: z.number(),
  ended: z.boolean().describe('the last picture is shown'),
  complete: z.boolean().describe('false: the end of the recording is missing'),
});
export type PlaybackState = z.infer<typeof playbackStateSchema>;

/** Carries a PlaybackState at every change, and at once to a new subscriber. */
export function playbackTopic(streamId: string): string {
  return `/${streamId}/playback`;
}

export const playbackOperations = {
  'playback.state': {
    method: 'GET',
    path: '/playback',
    summary: 'Where the player of a recording is',
    needs: 'view',
    request: z.object({ stream }).strict(),
    response: playbackStateSchema,
  },
  'playback.control': {
    method: 'POST',
    path: '/playback',
    summary: 'Pause, go on, jump to a position, step by pictures, change the speed',
    needs: 'mark',
    request: z
      .object({
        stream,
        paused: z.boolean().optional(),
        positionMs: z.number().min(0).optional(),
        speed: z.number().min(playbackSpeeds.least).max(playbackSpeeds.most).optional(),
        step: z.number().int().min(-100_000).max(100_000).optional().describe('pictures; pauses'),
      })
      .strict()
      .meta({ examples: [{ paused: true, positionMs: 2000 }] }),
    response: playbackStateSchema,
  },
} as const satisfies Record<string, OperationShape>;
