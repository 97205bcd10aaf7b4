/** What people hold of an echo room, as rows of the server's table. Runs in the main process. */
import type { RoomEcho } from '../pipeline/room-echo.js';
import { holdOperations, holdTransfers } from '../protocol/hold-requests.js';
import { serverError } from './errors.js';
import type { RoomRegistry } from './room-registry.js';
import { defineServices, defineTransfer, type Row } from './services.js';

export function holdServices(rooms: RoomRegistry): readonly Row[] {
  const echo = (stream: string): RoomEcho => {
    const found = rooms.get(stream).echo;
    if (found === undefined) throw serverError('SONO_NOT_OFFERED', { operation: 'echo.hold' });
    return found;
  };
  const services = defineServices(holdOperations, {
    'echo.hold': ({ stream }) => echo(stream).hold(),
    'echo.holds': ({ stream }) => ({ holds: echo(stream).holds }),
    'echo.held': ({ stream, id }) => echo(stream).held(id),
    'echo.view': ({ stream, view }) => {
      echo(stream).setView(view);
      return { view };
    },
  });
  const picture = defineTransfer('echo.picture', holdTransfers['echo.picture'], ({ stream, id, moment }) =>
    Promise.resolve({ body: Buffer.from(echo(stream).picture(id, moment)) }),
  );
  return [...services, picture];
}
