/** Sends a file of this computer to the server, with progress; the server then opens it like any other file. */
import { z } from 'zod';
import { errorBodySchema } from '../../../src/protocol/requests.js';
import { h, setText } from '../app/dom.js';
import { icon } from '../app/icons.js';
import { serverText, t } from '../core/texts.js';

const storedSchema = z.object({ path: z.string(), name: z.string(), already: z.boolean() });

interface UploadEvents {
  readonly onStart: () => void;
  /** Path of the file on the server. `already`: what it is called there, because it had been sent before; null: it is new. */
  readonly onStored: (path: string, already: string | null) => void;
  /** A sentence for people. */
  readonly onProblem: (sentence: string) => void;
}

export function uploadControl(events: UploadEvents): {
  readonly element: HTMLElement;
  readonly cancel: () => void;
} {
  const input = h('input', {
    type: 'file',
    accept: 'video/*,.mp4,.mkv,.avi,.ts,.mov,.dcm,.dicom',
    hidden: true,
    'aria-label': t('File on this computer'),
  });
  const choose = h(
    'button',
    { type: 'button', class: 'button', onclick: () => input.click() },
    icon('recordings'),
    t('From this computer …'),
  );
  const progress = h('progress', { max: 1, value: 0, hidden: true, 'aria-label': t('Sent to the server') });
  const percent = h('span', { class: 'muted', role: 'status' });
  const stop = h(
    'button',
    { type: 'button', class: 'button quiet', hidden: true, onclick: () => cancel() },
    t('Cancel'),
  );
  const writing = h(
    'span',
    { class: 'recording', hidden: true },
    t('The file is being stored on the server'),
  );
  const element = h('div', { class: 'upload' }, input, choose, progress, percent, writing, stop);
  // XMLHttpRequest, because fetch does not tell how much has been sent.
  let request: XMLHttpRequest | null = null;
  const cancel = (): void => request?.abort();
  const end = (): void => {
    request = null;
    choose.hidden = false;
    progress.hidden = true;
    writing.hidden = true;
    stop.hidden = true;
    setText(percent, '');
    input.value = '';
  };
  input.addEventListener('change', () => {
    const file = input.files?.[0];
    if (!file) return;
    events.onStart();
    choose.hidden = true;
    progress.hidden = false;
    progress.value = 0;
    writing.hidden = false;
    stop.hidden = false;
    const query = new URLSearchParams({ filename: file.name });
    const sending = new XMLHttpRequest();
    request = sending;
    sending.open('POST', `api/uploads?${query.toString()}`);
    sending.setRequestHeader('content-type', 'application/octet-stream');
    sending.upload.onprogress = ({ loaded, total }) => {
      progress.max = Math.max(1, total);
      progress.value = loaded;
      setText(percent, `${Math.floor((100 * loaded) / Math.max(1, total))} %`);
    };
    sending.onabort = end;
    sending.onerror = () => {
      end();
      events.onProblem(t('The file could not be sent: the connection to the server broke. Try again.'));
    };
    sending.onload = () => {
      end();
      const answer = parseJson(sending.responseText);
      const stored = storedSchema.safeParse(answer);
      const refused = errorBodySchema.safeParse(answer);
      if (sending.status < 300 && stored.success)
        events.onStored(stored.data.path, stored.data.already ? stored.data.name : null);
      else
        events.onProblem(
          refused.success ? serverText(refused.data.message) : t('The server did not take the file.'),
        );
    };
    sending.send(file);
  });
  return { element, cancel };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
