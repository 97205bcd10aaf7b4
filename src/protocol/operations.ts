/** All operations that sonoscope itself offers, in one table: what the client can call by name. Pure; shared with the browser. */
import { archiveOperations } from './archive-requests.js';
import { holdOperations, holdTransfers } from './hold-requests.js';
import { playbackOperations } from './playback-requests.js';
import type { RequestIn, ResponseIn } from './operation.js';
import { projectOperations, projectTransfers } from './project-requests.js';
import { roomOperations } from './room-requests.js';
import { systemOperations } from './system-requests.js';
import { serverOperations, serverTransfers } from './requests.js';

/** A key is the name of the Foxglove service. */
export const operations = {
  ...serverOperations,
  ...projectOperations,
  ...playbackOperations,
  ...holdOperations,
  ...archiveOperations,
  ...roomOperations,
  ...systemOperations,
};

/** What goes over HTTP alone, because a file or a page goes one way. */
export const transfers = { ...serverTransfers, ...projectTransfers, ...holdTransfers };

export type OperationName = keyof typeof operations;
export type RequestOf<Name extends OperationName> = RequestIn<typeof operations, Name>;
export type ResponseOf<Name extends OperationName> = ResponseIn<typeof operations, Name>;

export const operationNames = Object.keys(operations) as OperationName[];
