/** Addresses of the page: `#/rooms`, `#/room/<id>`, `#/room/<id>/acceptance`, `#/recordings…`, `#/system`; `?room=ID`, `?kiosk=1`, `?clean=1`. Pure. */

export type Route =
  | { readonly view: 'rooms' }
  | { readonly view: 'room'; readonly stream: string }
  | { readonly view: 'acceptance'; readonly stream: string }
  | { readonly view: 'system' }
  /** `rest`: what follows, for the recordings view to read. */
  | { readonly view: 'recordings'; readonly rest: string }
  /** Nothing is there. `address`: what was asked for, without the `#`. */
  | { readonly view: 'unknown'; readonly address: string };

export interface Entry {
  readonly clean: boolean;
  /** The picture of a room with its outlines, and nothing to press: a wall display. */
  readonly kiosk: boolean;
  /** The stream that `?room=` asks for, null: not given. */
  readonly stream: string | null;
}

export function readEntry(search: string): Entry {
  const query = new URLSearchParams(search);
  const asks = (name: string): boolean => !['0', 'false', null].includes(query.get(name));
  return {
    clean: asks('clean'),
    kiosk: asks('kiosk'),
    stream: query.get('room'),
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** A hash that this page does not know is said to be unknown, with a way back. */
export function readRoute(hash: string, entry: Entry): Route {
  const parts = hash.replace(/^#\/?/, '').split('/');
  switch (parts[0]) {
    case '':
      return entry.stream === null ? { view: 'rooms' } : { view: 'room', stream: entry.stream };
    case 'room': {
      const stream = decode(parts[1] ?? '');
      if (stream === '') return { view: 'rooms' };
      return parts[2] === 'acceptance' ? { view: 'acceptance', stream } : { view: 'room', stream };
    }
    case 'system':
      return { view: 'system' };
    case 'recordings':
      return { view: 'recordings', rest: parts.slice(1).join('/') };
    case 'rooms':
      return { view: 'rooms' };
    default:
      return { view: 'unknown', address: decode(parts.join('/')) };
  }
}

export function writeRoute(route: Route): string {
  switch (route.view) {
    case 'rooms':
    case 'system':
      return `#/${route.view}`;
    case 'room':
      return `#/room/${encodeURIComponent(route.stream)}`;
    case 'acceptance':
      return `#/room/${encodeURIComponent(route.stream)}/acceptance`;
    case 'recordings':
      return route.rest === '' ? '#/recordings' : `#/recordings/${route.rest}`;
    case 'unknown':
      return `#/${encodeURI(route.address)}`;
  }
}
