/** The operations that add, name and close rooms while the server runs. Pure; shared with the browser. */
import { z } from 'zod';
import type { OperationShape } from './operation.js';
import { streamSchema as stream } from './request-parts.js';
import { uri } from './requests.js';

/** Of a room's name. */
export const longestRoomName = 100;
const label = z
  .string()
  .trim()
  .min(1)
  .max(longestRoomName)
  .meta({ description: 'what people read', examples: ['Theatre 2'] });

/** A key is the name of the Foxglove service. */
export const roomOperations = {
  'room.add': {
    method: 'POST',
    path: '/rooms',
    summary: 'Add a room that shows this source; it lasts until it is closed or the server ends',
    needs: 'manage',
    live: true,
    request: z
      .object({
        uri,
        label: label.nullable().default(null).describe('null: it is called like what it shows'),
        model: z
          .string()
          .min(1)
          .max(128)
          .nullable()
          .default(null)
          .describe(
            'name of an installed model, "auto" or "none"; null: as the server was started with, else "auto"',
          ),
        loop: z.boolean().default(false).describe('begin again where the source ends'),
      })
      .strict(),
    response: z.object({ stream: z.string().describe('id of the new stream') }),
  },
  'room.rename': {
    method: 'POST',
    path: '/rooms/:stream/rename',
    summary: 'Give a room another name, for everybody',
    needs: 'manage',
    live: true,
    request: z.object({ stream, label }).strict(),
    response: z.object({}).describe('done'),
  },
  'room.close': {
    method: 'DELETE',
    path: '/rooms/:stream',
    summary: 'Close a room: its source ends, its recording is completed, its channels go',
    needs: 'manage',
    live: true,
    request: z.object({ stream }).strict(),
    response: z.object({}).describe('done'),
  },
} as const satisfies Record<string, OperationShape>;
