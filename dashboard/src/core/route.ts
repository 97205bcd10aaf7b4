/** Addresses of the page: `#/rooms`, `#/room/<id>`, `#/room/<id>/acceptance`, `#/recordings…`, `#/system`; `?room=ID`, `?clean=1`. Pure. */

export type Route =
  | { readonly view: 'rooms' }
  | { readonly view: 'room'; readonly stream: string }
  | { readonly view: 'acceptance'; readonly stream: string }
  | { readonly view: 'system' }
  /** `rest`: what follows, for the recordings view to read. */
  | { readonly view: 'recordings'; readonly rest: string };

export interface Entry {
  readonly clean: boolean;
  /** The stream that `?room=` asks for, null: not given. */
  readonly stream: string | null;
}

export function readEntry(search: string): Entry {
  const query = new URLSearchParams(search);
  const clean = query.get('clean');
  return {
    clean: clean !== null && clean !== '0' && clean !== 'false',
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

/** A hash that this page does not know leads to the rooms. */
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
    default:
      return { view: 'rooms' };
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
  }
}
