/** Entry of the page. `?clean=1` shows one picture and nothing else; everything else lives in the shell. */
import './core/zod-without-eval.js';
import './styles/tokens.css';
import './styles/base.css';
import './styles/parts.css';
import { chooseLanguage } from './app/language.js';
import { PaintingWorker } from './app/painting-worker.js';
import { mountShell } from './app/shell.js';
import { readEntry } from './core/route.js';
import { mountCleanFeed } from './rooms/clean-feed.js';

function socketAddress(): string {
  const url = new URL('ws', document.baseURI);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.search = '';
  url.hash = '';
  return url.href;
}

const root = document.getElementById('app');
if (!root) throw new Error('index.html has lost its #app');
const entry = readEntry(location.search);
const worker = new PaintingWorker(socketAddress());
await chooseLanguage();
if (entry.clean) mountCleanFeed(root, worker, entry.stream);
else mountShell(root, worker, entry);
if (entry.kiosk) document.documentElement.classList.add('kiosk');
