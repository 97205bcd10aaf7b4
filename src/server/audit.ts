/** One line of the log for everything that somebody asks the server to do: what, who, when, with what outcome, without secrets. */
import type { Logger } from 'pino';
import { redact } from '../node/redact.js';
import type { Caller } from './caller.js';

/** Fields of a request that say what it was about. Labels and remarks stay out: people write names of patients into them. */
const tellingFields = ['stream', 'objectId', 'visible', 'policy', 'project', 'formats'] as const;

/** `named`: the field that holds the name of a file. */
export function audit(
  logger: Logger,
  operation: string,
  caller: Caller,
  request: unknown,
  outcome: string,
  named?: string,
): void {
  const asked = typeof request === 'object' && request !== null ? (request as Record<string, unknown>) : {};
  const about = Object.fromEntries(
    tellingFields.flatMap((field) => (asked[field] === undefined ? [] : [[field, asked[field]]])),
  );
  const { uri } = asked;
  const { address, tokenId, viewer } = caller;
  logger.info(
    {
      audit: operation,
      ...about,
      ...(named !== undefined && { name: asked[named] }),
      ...(typeof uri === 'string' && { uri: redact(uri) }),
      outcome,
      who: { address, tokenId, viewer },
    },
    `${operation}: ${outcome}`,
  );
}
